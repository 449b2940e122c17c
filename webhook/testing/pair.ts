/** Throwaway serving certificates for tests: self-signed, for localhost. */
import { generateKeyPairSync } from "node:crypto";
import forge from "node-forge";
import type { ServingPair } from "../serving-pair.ts";

let serial = 0;

/** RSA-2048. `name` is the subject, so a test can tell two apart. */
export function makePair(name = "test", days = 1): ServingPair {
  const keys = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  const certificate = forge.pki.createCertificate();
  serial += 1;
  certificate.serialNumber = serial.toString(16).padStart(4, "0");
  certificate.publicKey = forge.pki.publicKeyFromPem(keys.publicKey);
  certificate.validity.notBefore = new Date(Date.now() - 3_600_000);
  certificate.validity.notAfter = new Date(Date.now() + days * 86_400_000);
  const subject = [{ name: "commonName", value: name }];
  certificate.setSubject(subject);
  certificate.setIssuer(subject);
  certificate.setExtensions([
    { name: "subjectAltName", altNames: [{ type: 2, value: "localhost" }] },
    { name: "basicConstraints", cA: true },
  ]);
  certificate.sign(forge.pki.privateKeyFromPem(keys.privateKey), forge.md.sha256.create());
  return { certificate: forge.pki.certificateToPem(certificate), key: keys.privateKey };
}

/** A key of another type than `makePair`'s. */
export function makeEcKey(): string {
  const keys = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  return keys.privateKey;
}

/** Client certificates by an authority of their own, as kubeadm makes them for admins and kubelets. */
import { generateKeyPairSync } from "node:crypto";
import forge from "node-forge";

export interface ClientAuthority {
  readonly certPem: string;
  /** Common name = user, organisations = groups. */
  issue(username: string, groups: readonly string[]): { readonly certPem: string; readonly keyPem: string };
}

const LIFE_MILLIS = 24 * 3_600_000;
const BACKDATE_MILLIS = 3_600_000;

export function clientAuthority(now: Date): ClientAuthority {
  const keys = rsaKeys();
  const name = [{ name: "commonName", value: "simulated-client-ca" }];
  const certificate = unsigned(now, "01", keys.publicKey, name, name);
  certificate.setExtensions([
    { name: "basicConstraints", cA: true, critical: true },
    { name: "keyUsage", keyCertSign: true, digitalSignature: true, critical: true },
  ]);
  certificate.sign(keys.privateKey, forge.md.sha256.create());
  let serial = 1;
  return {
    certPem: forge.pki.certificateToPem(certificate),
    issue: (username, groups) => {
      serial += 1;
      const own = rsaKeys();
      const subject = [
        ...groups.map((group) => ({ name: "organizationName", value: group })),
        { name: "commonName", value: username },
      ];
      const leaf = unsigned(now, serial.toString(16).padStart(2, "0"), own.publicKey, subject, name);
      leaf.setExtensions([
        { name: "keyUsage", digitalSignature: true, critical: true },
        { name: "extKeyUsage", clientAuth: true },
      ]);
      leaf.sign(keys.privateKey, forge.md.sha256.create());
      return { certPem: forge.pki.certificateToPem(leaf), keyPem: own.privateKeyPem };
    },
  };
}

function unsigned(
  now: Date,
  serialNumber: string,
  publicKey: forge.pki.rsa.PublicKey,
  subject: forge.pki.CertificateField[],
  issuer: forge.pki.CertificateField[],
): forge.pki.Certificate {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = publicKey;
  certificate.serialNumber = serialNumber;
  certificate.validity.notBefore = new Date(now.getTime() - BACKDATE_MILLIS);
  certificate.validity.notAfter = new Date(now.getTime() + LIFE_MILLIS);
  certificate.setSubject(subject);
  certificate.setIssuer(issuer);
  return certificate;
}

/** Made by node:crypto: forge itself needs seconds for a key. */
function rsaKeys(): {
  publicKey: forge.pki.rsa.PublicKey;
  privateKey: forge.pki.rsa.PrivateKey;
  privateKeyPem: string;
} {
  const pair = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
  });
  return {
    publicKey: forge.pki.publicKeyFromPem(pair.publicKey),
    privateKey: forge.pki.privateKeyFromPem(pair.privateKey),
    privateKeyPem: pair.privateKey,
  };
}

/** Our own certificate authority: issues it, and reads it back from where it was kept. */
import { createPrivateKey, generateKeyPairSync, X509Certificate, type KeyObject } from "node:crypto";
import { certificatesIn } from "./pem.ts";
import { writeCertificate } from "./x509.ts";

/**
 * How far before its making a certificate is valid: clocks of nodes differ, and an API server that is behind would
 * refuse a certificate from its future (cert-controller takes the same hour).
 */
export const BACKDATE_MILLIS = 3_600_000;

export interface Authority {
  readonly certificate: X509Certificate;
  readonly certPem: string;
  readonly privateKey: KeyObject;
  /** PKCS #8, not encrypted: it lives in a Secret. */
  readonly keyPem: string;
}

export type AuthorityCheck =
  | { readonly kind: "good"; readonly authority: Authority }
  | { readonly kind: "none" }
  | { readonly kind: "bad"; readonly problem: string };

/** A new self-signed authority, valid from an hour ago for `lifeMillis` from now. ECDSA P-256: under 1 ms on the loop. */
export function issueAuthority(nowMillis: number, lifeMillis: number): Authority {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  // A name of its own for each authority, so that a verifier with two of them in hand never tries the wrong one.
  const issued = new Date(nowMillis).toISOString().slice(0, 19).replaceAll(":", "");
  const certPem = writeCertificate({
    commonName: `nodelatch webhook CA ${issued}Z`,
    publicKey,
    notBeforeMillis: nowMillis - BACKDATE_MILLIS,
    notAfterMillis: nowMillis + lifeMillis,
    role: { kind: "authority" },
    issuer: { privateKey },
  });
  const keyPem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  return { certificate: new X509Certificate(certPem), certPem, privateKey, keyPem };
}

/** Reads an authority from PEM texts (the first certificate counts) and says whether it can sign now. */
export function checkAuthority(
  certPem: string | undefined,
  keyPem: string | undefined,
  nowMillis: number,
): AuthorityCheck {
  if (isBlank(certPem) && isBlank(keyPem)) return { kind: "none" };
  if (isBlank(certPem)) return bad("there is a key but no certificate");
  if (isBlank(keyPem)) return bad("there is a certificate but no key");
  const [certificate] = certificatesIn(certPem).certificates;
  if (certificate === undefined) return bad("the certificate can't be read");
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(keyPem);
  } catch {
    // The thrown error is left out on purpose: nothing that was near a key goes into a message.
    return bad("the key can't be read");
  }
  if (privateKey.asymmetricKeyType !== "ec" && privateKey.asymmetricKeyType !== "rsa") {
    return bad(`a key of type ${privateKey.asymmetricKeyType ?? "unknown"} can't sign here`);
  }
  if (!certificate.checkPrivateKey(privateKey)) return bad("the key does not belong to the certificate");
  if (!certificate.ca) return bad("the certificate is not that of an authority (CA:FALSE)");
  if (nowMillis >= certificate.validToDate.getTime()) {
    return bad(`expired at ${certificate.validToDate.toISOString()}`);
  }
  if (nowMillis < certificate.validFromDate.getTime()) {
    return bad(`not valid before ${certificate.validFromDate.toISOString()}`);
  }
  return { kind: "good", authority: { certificate, certPem: certificate.toString(), privateKey, keyPem } };
}

/**
 * When two thirds of a certificate's life are over, as cert-manager counts. The back-dated hour is no life: with it a
 * life of minutes would be over at birth.
 */
export function renewAtMillis(certificate: X509Certificate): number {
  const issuedMillis = certificate.validFromDate.getTime() + BACKDATE_MILLIS;
  return issuedMillis + (2 / 3) * (certificate.validToDate.getTime() - issuedMillis);
}

function isBlank(text: string | undefined): text is undefined | "" {
  return text === undefined || text.trim() === "";
}

function bad(problem: string): AuthorityCheck {
  return { kind: "bad", problem };
}

/**
 * A serving pair: checked completely before anyone serves it, because a bad one is accepted silently and then fails
 * every handshake (an RSA key with an EC certificate does, facts/style.md 0.5). All checks are node:crypto's.
 */
import { createPrivateKey, X509Certificate, type KeyObject } from "node:crypto";
import { isIP } from "node:net";
import { certificatesIn } from "./pem.ts";

/** What a TLS server needs, and what tells it apart. */
export interface ServingPair {
  /** The leaf, then its intermediates if any. */
  readonly certPem: string;
  readonly keyPem: string;
  /** The authority that signed it, which clients must trust; "" if not known (files mode without ca.crt). */
  readonly caPem: string;
  readonly notAfterMillis: number;
  /** Hexadecimal, as `openssl x509 -serial` shows it. */
  readonly serial: string;
}

export interface GoodPair {
  readonly kind: "good";
  readonly pair: ServingPair;
  /** The leaf, then its intermediates. */
  readonly chain: readonly X509Certificate[];
  /** The authority among the given ones that the chain ends at; undefined if none were given. */
  readonly anchor: X509Certificate | undefined;
}

export type PairCheck =
  GoodPair | { readonly kind: "none" } | { readonly kind: "bad"; readonly problems: readonly string[] };

export interface PairTexts {
  readonly certPem: string | undefined;
  readonly keyPem: string | undefined;
  /** undefined: the chain is not checked. */
  readonly caPem: string | undefined;
}

const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
const ANY_EXTENDED_KEY_USAGE = "2.5.29.37.0";
const MAX_CHAIN = 8;

/** Whether the pair can be served now, under each of the names, to a client that trusts caPem. Every problem is named. */
export function checkPair(texts: PairTexts, names: readonly string[], nowMillis: number): PairCheck {
  const certPem = texts.certPem ?? "";
  const keyPem = texts.keyPem ?? "";
  if (certPem.trim() === "" && keyPem.trim() === "") return { kind: "none" };
  const found = certificatesIn(certPem);
  const [leaf] = found.certificates;
  const key = readKey(keyPem);
  const problems: string[] = [];
  if (leaf === undefined)
    problems.push(certPem.trim() === "" ? "no certificate" : "the certificate can't be read");
  else if (found.garbage.length > 0) problems.push(`the certificate has ${found.garbage.join(" and ")}`);
  if (typeof key === "string") problems.push(key);
  if (leaf === undefined || typeof key === "string") return { kind: "bad", problems };

  if (!leaf.checkPrivateKey(key)) problems.push("the key does not belong to the certificate");
  problems.push(...validityProblems(leaf, nowMillis), ...nameProblems(leaf, names), ...usageProblems(leaf));
  const authorities = texts.caPem === undefined ? undefined : certificatesIn(texts.caPem).certificates;
  const anchor = authorities && anchorOf(found.certificates, authorities, nowMillis);
  if (authorities !== undefined && anchor === undefined) {
    problems.push("the certificate is not signed by a valid authority in ca.crt");
  }
  if (problems.length > 0) return { kind: "bad", problems };
  const pair = {
    certPem,
    keyPem,
    caPem: anchor?.toString() ?? "",
    notAfterMillis: leaf.validToDate.getTime(),
    serial: leaf.serialNumber,
  };
  return { kind: "good", pair, chain: found.certificates, anchor };
}

/**
 * The one of `authorities` that a verifier ends at, going up from the leaf through the chain's own certificates.
 * Signatures, CA flags and dates of the issuers are checked; the leaf's own dates are not.
 */
export function anchorOf(
  chain: readonly X509Certificate[],
  authorities: readonly X509Certificate[],
  nowMillis: number,
): X509Certificate | undefined {
  const [leaf, ...intermediates] = chain;
  let current = leaf;
  for (let depth = 0; depth < MAX_CHAIN && current !== undefined; depth += 1) {
    const subject: X509Certificate = current;
    // A certificate that is itself trusted needs no issuer (Go and OpenSSL's partial chains agree).
    const trusted = authorities.find((authority) => authority.fingerprint256 === subject.fingerprint256);
    if (trusted !== undefined) return trusted;
    const anchor = authorities.find((authority) => issued(authority, subject, nowMillis));
    if (anchor !== undefined) return anchor;
    current = intermediates.find(
      (candidate) => candidate !== subject && issued(candidate, subject, nowMillis),
    );
  }
  return undefined;
}

export function isValidAt(certificate: X509Certificate, nowMillis: number): boolean {
  return nowMillis >= certificate.validFromDate.getTime() && nowMillis < certificate.validToDate.getTime();
}

function issued(issuer: X509Certificate, subject: X509Certificate, nowMillis: number): boolean {
  return (
    issuer.ca &&
    isValidAt(issuer, nowMillis) &&
    subject.checkIssued(issuer) &&
    // checkIssued compares names and key ids only.
    subject.verify(issuer.publicKey)
  );
}

function readKey(keyPem: string): KeyObject | string {
  if (keyPem.trim() === "") return "no key";
  try {
    return createPrivateKey(keyPem);
  } catch {
    // The thrown error is left out on purpose: nothing that was near a key goes into a message.
    return keyPem.includes("ENCRYPTED")
      ? "the key is encrypted, expected a plain one"
      : "the key can't be read";
  }
}

function validityProblems(leaf: X509Certificate, nowMillis: number): readonly string[] {
  if (nowMillis >= leaf.validToDate.getTime()) return [`expired at ${leaf.validToDate.toISOString()}`];
  if (nowMillis < leaf.validFromDate.getTime())
    return [`not valid before ${leaf.validFromDate.toISOString()}`];
  return [];
}

function nameProblems(leaf: X509Certificate, names: readonly string[]): readonly string[] {
  const missing = names.filter((name) =>
    isIP(name) === 0
      ? leaf.checkHost(name, { subject: "never" }) === undefined
      : leaf.checkIP(name) === undefined,
  );
  if (missing.length === 0) return [];
  return [`not valid for ${missing.join(", ")}; it is for ${leaf.subjectAltName ?? "no names at all"}`];
}

function usageProblems(leaf: X509Certificate): readonly string[] {
  // node:crypto gives undefined, against its types, for a certificate without the extension; such one is for any use.
  const usages: readonly string[] | undefined = leaf.keyUsage;
  if (usages === undefined) return [];
  const fits = usages.includes(SERVER_AUTH) || usages.includes(ANY_EXTENDED_KEY_USAGE);
  return fits ? [] : ["its extended key usage does not include TLS server authentication"];
}

/** The certificate that the webhook serves with. */
import { generateKeyPairSync } from "node:crypto";
import { BACKDATE_MILLIS, type Authority } from "./authority.ts";
import { writeCertificate } from "./x509.ts";

export interface Leaf {
  readonly certPem: string;
  /** PKCS #8, not encrypted. */
  readonly keyPem: string;
}

/** RFC 5280 A.1: ub-common-name. */
const MAX_COMMON_NAME = 64;

/**
 * A new serving certificate for the names (DNS names or IP addresses), valid from an hour ago for `lifeMillis` from
 * now, but never longer than its authority. ECDSA P-256: under 1 ms on the loop.
 * @throws RangeError if there are no names: no client would accept it.
 */
export function issueLeaf(
  authority: Authority,
  names: readonly string[],
  nowMillis: number,
  lifeMillis: number,
): Leaf {
  if (names.length === 0)
    throw new RangeError("certificate names: none given, expected the Service's DNS names");
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const certPem = writeCertificate({
    // Clients look at the alternative names only; this one is for people, and some names are too long for it.
    commonName: names.find((name) => name.length <= MAX_COMMON_NAME) ?? "nodelatch webhook",
    publicKey,
    notBeforeMillis: Math.max(nowMillis - BACKDATE_MILLIS, authority.certificate.validFromDate.getTime()),
    notAfterMillis: leafEndMillis(authority, nowMillis, lifeMillis),
    role: { kind: "server", names },
    issuer: { certificate: authority.certificate, privateKey: authority.privateKey },
  });
  return { certPem, keyPem: privateKey.export({ type: "pkcs8", format: "pem" }).toString() };
}

/** When a leaf issued now would end. */
export function leafEndMillis(authority: Authority, nowMillis: number, lifeMillis: number): number {
  return Math.min(nowMillis + lifeMillis, authority.certificate.validToDate.getTime());
}

/** The authorities that clients should trust, in one order and form whoever writes them. */
import type { X509Certificate } from "node:crypto";
import { certificatesIn } from "./pem.ts";

/** Retired authorities stay until they expire, because until then a replica may still serve a leaf of theirs. */
export const MAX_BUNDLE = 16;

/** Newest first, without expired ones, duplicates and what is no authority. At most MAX_BUNDLE, oldest dropped. */
export function makeBundle(
  certificates: readonly X509Certificate[],
  nowMillis: number,
): readonly X509Certificate[] {
  const distinct = new Map(certificates.map((certificate) => [certificate.fingerprint256, certificate]));
  return (
    [...distinct.values()]
      .filter((certificate) => certificate.ca && nowMillis < certificate.validToDate.getTime())
      // By time and then by fingerprint: any two replicas write the same text.
      .sort(
        (a, b) =>
          b.validFromDate.getTime() - a.validFromDate.getTime() ||
          a.fingerprint256.localeCompare(b.fingerprint256),
      )
      .slice(0, MAX_BUNDLE)
  );
}

/** What a caBundle holds, sorted out. */
export interface BundleReading {
  /** Valid authorities, without duplicates. */
  readonly trusted: readonly X509Certificate[];
  /** What should not be there, in words: garbage, expired, doubled, no authority. Empty for a clean one. */
  readonly dirt: readonly string[];
}

export function readBundle(pem: string, nowMillis: number): BundleReading {
  const { certificates, garbage } = certificatesIn(pem);
  const trusted = new Map<string, X509Certificate>();
  const dirt = [...garbage];
  for (const certificate of certificates) {
    const name = certificate.subject.replaceAll("\n", ", ");
    if (trusted.has(certificate.fingerprint256)) dirt.push(`${name} twice`);
    else if (!certificate.ca) dirt.push(`${name}, which is no authority`);
    else if (nowMillis >= certificate.validToDate.getTime()) dirt.push(`${name}, which is expired`);
    else trusted.set(certificate.fingerprint256, certificate);
  }
  return { trusted: [...trusted.values()], dirt };
}

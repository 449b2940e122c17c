/**
 * What the Secret holds: `tls.crt`, `tls.key`, `ca.crt` (the signing authority first, retired ones after it), `ca.key`,
 * and during a change of authority `next-ca.crt`, `next-ca.key`.
 *
 * Whose is it? Ours, and then we may overwrite it, if it says so by annotation, is empty (the chart makes an empty
 * one), or holds certificates of ours. Anything else is someone else's: served if it is good, never written.
 */
import type { X509Certificate } from "node:crypto";
import type { SecretChange, SecretSnapshot } from "../kube/secrets.ts";
import { checkAuthority, type Authority, type AuthorityCheck } from "./authority.ts";
import { makeBundle } from "./bundle.ts";
import type { Leaf } from "./leaf.ts";
import { checkPair, type PairCheck } from "./pair.ts";
import { certificatesIn, pemOf } from "./pem.ts";
import { ORGANIZATION } from "./x509.ts";

/** Annotation on a Secret that we may write: set by ourselves with every write. */
export const CERTIFICATES_ANNOTATION = "nodelatch.io/certificates";
export const MANAGED = "managed";
/** Annotation by which a person asks for a new leaf (`leaf`) or a new authority and leaf (`all`); removed when done. */
export const RENEW_ANNOTATION = "nodelatch.io/renew";

const key = {
  cert: "tls.crt",
  key: "tls.key",
  caCert: "ca.crt",
  caKey: "ca.key",
  nextCert: "next-ca.crt",
  nextKey: "next-ca.key",
} as const;

export interface SecretReading {
  readonly owner: { readonly kind: "ours" | "foreign"; readonly because: string };
  readonly pair: PairCheck;
  /** The one that signs now. */
  readonly authority: AuthorityCheck;
  /** The one that will sign next, once clients trust it. */
  readonly next: AuthorityCheck;
  /** All that clients should trust: signing, retired and next, valid or about to be. */
  readonly trusted: readonly X509Certificate[];
  /** What a person asked for by annotation. */
  readonly asked: "leaf" | "all" | undefined;
}

/** Sorts out a Secret for a webhook that is issued `names`; someone else's pair need only have the first of them. */
export function readSecret(
  { data, annotations }: SecretSnapshot,
  names: readonly string[],
  nowMillis: number,
): SecretReading {
  const owner = ownerOf(data, annotations);
  const caPem = data.get(key.caCert);
  const stated = certificatesIn(caPem ?? "").certificates;
  const next = checkAuthority(data.get(key.nextCert), data.get(key.nextKey), nowMillis);
  const asked = annotations.get(RENEW_ANNOTATION);
  return {
    owner,
    pair: checkPair(
      {
        certPem: data.get(key.cert),
        keyPem: data.get(key.key),
        // Ours has to chain to our own authority; of someone else's pair we may not know the authority.
        caPem: owner.kind === "ours" ? (caPem ?? "") : blankToUndefined(caPem),
      },
      owner.kind === "ours" ? names : names.slice(0, 1),
      nowMillis,
    ),
    authority: checkAuthority(caPem, data.get(key.caKey), nowMillis),
    next,
    trusted: makeBundle(
      [...stated, ...(next.kind === "good" ? [next.authority.certificate] : [])],
      nowMillis,
    ),
    asked: asked === "leaf" || asked === "all" ? asked : undefined,
  };
}

function ownerOf(
  data: SecretSnapshot["data"],
  annotations: SecretSnapshot["annotations"],
): SecretReading["owner"] {
  const certManager = [...annotations.keys()].find((name) => name.startsWith("cert-manager.io/"));
  if (certManager !== undefined) return { kind: "foreign", because: `annotation ${certManager}` };
  if (annotations.get(CERTIFICATES_ANNOTATION) === MANAGED) {
    return { kind: "ours", because: `annotation ${CERTIFICATES_ANNOTATION}` };
  }
  const values = Object.values(key).map((name) => data.get(name) ?? "");
  if (values.every((value) => value.trim() === "")) return { kind: "ours", because: "it is empty" };
  const certificates = values.flatMap((value) => certificatesIn(value).certificates);
  const mark = `O=${ORGANIZATION}`;
  if (certificates.some(({ issuer }) => issuer.split("\n").includes(mark))) {
    return { kind: "ours", because: `its certificates were issued by ${ORGANIZATION}` };
  }
  return {
    kind: "foreign",
    because: `neither annotation ${CERTIFICATES_ANNOTATION} nor a certificate of ours`,
  };
}

/** What to write. A part that is absent stays as it is in the Secret; next: null removes it. */
export interface SecretContent {
  readonly leaf?: Leaf;
  readonly authority?: { readonly signing: Authority; readonly retired: readonly X509Certificate[] };
  readonly next?: Authority | null;
  /** The person's request was carried out by this write. */
  readonly answersRequest: boolean;
}

export function changeFor(content: SecretContent, nowMillis: number): SecretChange {
  const data = new Map<string, string | undefined>();
  if (content.leaf !== undefined) {
    data.set(key.cert, content.leaf.certPem).set(key.key, content.leaf.keyPem);
  }
  if (content.authority !== undefined) {
    const { signing, retired } = content.authority;
    const others = makeBundle(retired, nowMillis).filter(
      ({ fingerprint256 }) => fingerprint256 !== signing.certificate.fingerprint256,
    );
    data.set(key.caCert, signing.certPem + pemOf(others)).set(key.caKey, signing.keyPem);
  }
  if (content.next !== undefined) {
    data.set(key.nextCert, content.next?.certPem).set(key.nextKey, content.next?.keyPem);
  }
  const annotations = new Map<string, string | undefined>([[CERTIFICATES_ANNOTATION, MANAGED]]);
  if (content.answersRequest) annotations.set(RENEW_ANNOTATION, undefined);
  return { data, annotations };
}

function blankToUndefined(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === "" ? undefined : text;
}

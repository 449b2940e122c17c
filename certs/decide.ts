/** What to do about the Secret. Pure: the clock, the Secret and what clients trust come in, a decision goes out. */
import type { X509Certificate } from "node:crypto";
import { renewAtMillis, type Authority } from "./authority.ts";
import { leafEndMillis } from "./leaf.ts";
import { isValidAt, type GoodPair } from "./pair.ts";
import type { SecretReading } from "./secret.ts";

export interface Remembered {
  readonly authority: Authority;
  /** All that clients were to trust then. */
  readonly trusted: readonly X509Certificate[];
}

export interface Situation {
  /** undefined: there is no Secret. */
  readonly reading: SecretReading | undefined;
  /** What this replica last saw in the Secret when its authority was well. */
  readonly remembered: Remembered | undefined;
  /** Every caBundle has carried the next authority for the settle time. */
  readonly nextSettled: boolean;
  readonly nowMillis: number;
  readonly leafLifeMillis: number;
}

export type Decision =
  /** Nothing to write. */
  | { readonly kind: "keep"; readonly reason: string }
  /** Renew the leaf: a new one by an authority that clients already trust. */
  | { readonly kind: "renew-leaf"; readonly authority: Authority; readonly reason: string }
  /** Renew all, first half: put a new authority beside the signing one, so that it gets into the caBundles. */
  | { readonly kind: "stage"; readonly reason: string }
  /** Renew all, second half: the next authority signs from now on. */
  | { readonly kind: "promote"; readonly authority: Authority; readonly reason: string }
  /** Repair: write back the remembered authority with a new leaf. */
  | {
      readonly kind: "restore";
      readonly remembered: Remembered;
      readonly stage: boolean;
      readonly reason: string;
    }
  /** Repair, or the very first start: new authority and leaf at once, nothing usable is lost by it. */
  | { readonly kind: "start-over"; readonly reason: string }
  /** Repair: a next authority that can't be used goes. */
  | { readonly kind: "drop-next"; readonly reason: string }
  /** It is someone else's Secret and can't be served: only they can help. */
  | { readonly kind: "refuse"; readonly reason: string };

export function decide(situation: Situation): Decision {
  const { reading, nowMillis } = situation;
  const remembered =
    situation.remembered !== undefined && isValidAt(situation.remembered.authority.certificate, nowMillis)
      ? situation.remembered
      : undefined;
  if (reading === undefined) {
    return remembered === undefined
      ? { kind: "start-over", reason: "there is no Secret yet" }
      : // A deletion is how people ask for new certificates; put back first, because replicas still serve the old ones.
        { kind: "restore", remembered, stage: true, reason: "the Secret was deleted" };
  }
  if (reading.owner.kind === "foreign") return decideForeign(reading);
  if (reading.authority.kind === "good") return decideSound(situation, reading, reading.authority.authority);
  return decideBroken(situation, reading, remembered);
}

function decideForeign({ owner, pair }: SecretReading): Decision {
  const whose = `the Secret is someone else's (${owner.because})`;
  const remedy = "renew it where it comes from, or delete the Secret to let nodelatch make its own";
  switch (pair.kind) {
    case "good":
      return { kind: "keep", reason: `${whose}; served as it is, never written` };
    case "none":
      return { kind: "refuse", reason: `${whose} and holds no tls.crt and tls.key: ${remedy}` };
    case "bad":
      return {
        kind: "refuse",
        reason: `${whose} and can't be served: ${pair.problems.join("; ")}: ${remedy}`,
      };
  }
}

/** The signing authority is fine. */
function decideSound(situation: Situation, reading: SecretReading, authority: Authority): Decision {
  const { nowMillis } = situation;
  const { pair, next, asked } = reading;
  if (next.kind === "good" && situation.nextSettled) {
    return {
      kind: "promote",
      authority: next.authority,
      reason: "every caBundle carries the next authority",
    };
  }
  if (pair.kind !== "good") {
    const problems = pair.kind === "bad" ? pair.problems.join("; ") : "it is missing";
    return { kind: "renew-leaf", authority, reason: `repair of the leaf: ${problems}` };
  }
  const staging = reasonToStage(authority, reading, nowMillis);
  if (staging !== undefined) return { kind: "stage", reason: staging };
  if (next.kind === "bad") return { kind: "drop-next", reason: `the next authority: ${next.problem}` };
  const leafDue = renewLeafAtMillis(pair);
  // A leaf ends with its authority at the latest; close to that end a new one would be no longer than the old.
  const gains = leafEndMillis(authority, nowMillis, situation.leafLifeMillis) > pair.pair.notAfterMillis;
  if (asked === "leaf") return { kind: "renew-leaf", authority, reason: "a new leaf was asked for" };
  if (nowMillis >= leafDue && gains) {
    return { kind: "renew-leaf", authority, reason: "two thirds of the leaf's life are over" };
  }
  if (next.kind === "good")
    return { kind: "keep", reason: "the next authority waits until every caBundle carries it" };
  return { kind: "keep", reason: "all is well" };
}

function reasonToStage(authority: Authority, reading: SecretReading, nowMillis: number): string | undefined {
  const { next, asked } = reading;
  if (next.kind === "good") {
    const stale = nowMillis >= renewAtMillis(next.authority.certificate);
    return stale ? "the next authority grew old while it waited" : undefined;
  }
  if (asked === "all") return "new certificates were asked for";
  const due = nowMillis >= renewAtMillis(authority.certificate);
  return due ? "two thirds of the authority's life are over" : undefined;
}

/** The Secret is ours, but its signing authority is missing, expired or garbage. */
function decideBroken(
  situation: Situation,
  { pair, authority, next }: SecretReading,
  remembered: Remembered | undefined,
): Decision {
  const problem =
    authority.kind === "bad" ? `ca.crt, ca.key: ${authority.problem}` : "ca.crt and ca.key are empty";
  if (next.kind === "good" && (situation.nextSettled || (pair.kind !== "good" && remembered === undefined))) {
    return {
      kind: "promote",
      authority: next.authority,
      reason: `repair: ${problem}; the next authority takes over`,
    };
  }
  if (remembered !== undefined) {
    return { kind: "restore", remembered, stage: false, reason: `repair: ${problem}` };
  }
  if (pair.kind === "good") {
    return next.kind === "good"
      ? { kind: "keep", reason: `${problem}; the next authority waits until every caBundle carries it` }
      : { kind: "stage", reason: `repair: ${problem}; the leaf is still good` };
  }
  return { kind: "start-over", reason: `repair: ${problem}` };
}

function renewLeafAtMillis({ chain }: GoodPair): number {
  const [leaf] = chain;
  return leaf === undefined ? Number.NEGATIVE_INFINITY : renewAtMillis(leaf);
}

/**
 * Has a lock become a ghost: does nobody seem to come back to it? Only told, never acted upon: a lock whose expiry frees
 * it by itself lets node after node become unavailable (kube-hetzner#1182), and one that nobody notices blocks a cluster
 * for days (kured#950, kured#847). Pure and total; a fact that is not known never speaks against a lock.
 */
import { formatDuration } from "./duration.ts";
import type { NodeView } from "./node.ts";
import { hasRebooted, isExpired, lockOn, parseTime, type LockRecord } from "./record.ts";
import { oneLine } from "./request.ts";
import { shorten } from "./shorten.ts";

export type GhostRule =
  | "expired"
  | "other-node" // taken for an earlier node of this name
  | "not-ready" // the node went away under the lock and has not come back
  | "not-released" // the reboot has been, and who should have released has not
  | "holder-gone" // the holder's ServiceAccount no longer exists
  | "holder-pod-gone"; // the holder was a pod of that node, and there is none any more

export interface GhostSign {
  readonly rule: GhostRule;
  /** In words, one line, without the node's name. */
  readonly text: string;
}

/** The node's condition Ready; `sinceMillis` is its last change, by the API server's clock, undefined if not reported. */
export interface Readiness {
  readonly isReady: boolean;
  readonly sinceMillis: number | undefined;
}

/** Whether the lock's holder still exists. People are never known to be gone. */
export type HolderFact = "unknown" | "there" | "account-gone" | "pod-gone";

export interface GhostFacts {
  readonly node: NodeView;
  /** undefined: the node reports no such condition. */
  readonly readiness: Readiness | undefined;
  /** When the running boot began; undefined where it can't be seen, then the node's readiness stands in for it. */
  readonly bootedMillis?: number | undefined;
  readonly holder: HolderFact;
  /** By the API server's clock. */
  readonly nowMillis: number;
}

/**
 * So long a node may be away, or a lock be left after the reboot, before it is a sign. Servers take up to ten minutes
 * for their firmware, and kured uncordons 30 to 90 s after its start (facts/kured-observed.md 1).
 */
export const GHOST_PATIENCE_MILLIS = 15 * 60_000;

/** The signs that a lock has become a ghost, the most telling first; empty: none, or no lock that could be judged. */
export function ghostSigns(facts: GhostFacts): readonly GhostSign[] {
  const { node, holder } = facts;
  const lock = lockOn(node);
  // Whoever reads a lock that was never stamped is told so elsewhere; a node being deleted takes its lock along.
  if (lock?.kind !== "record" || node.deleting) return [];
  const { record } = lock;
  const who = shorten(oneLine(record.holder), 80);
  const signs: GhostSign[] = [];
  if (node.uid !== "" && record.nodeUID !== node.uid) {
    signs.push({ rule: "other-node", text: "the lock was taken for an earlier node of this name" });
  }
  if (holder === "account-gone") signs.push({ rule: "holder-gone", text: `${who} no longer exists` });
  if (holder === "pod-gone") {
    const on = record.holderNode === undefined ? "" : ` on ${oneLine(record.holderNode)}`;
    signs.push({ rule: "holder-pod-gone", text: `${who} has no pod${on} any more` });
  }
  const away = awayMillis(record, facts);
  if (away >= GHOST_PATIENCE_MILLIS) {
    signs.push({ rule: "not-ready", text: `the node has not been ready for ${roughly(away)}` });
  }
  const left = leftMillis(record, facts);
  if (left >= GHOST_PATIENCE_MILLIS) {
    const text = `the node has rebooted and been back for ${roughly(left)}, and the lock was not released`;
    signs.push({ rule: "not-released", text });
  }
  if (isExpired(lock, facts.nowMillis)) signs.push({ rule: "expired", text: expiredWords(record, facts) });
  return signs;
}

/** How long the node has been away under the lock; 0 where it is not, or was already when the lock was taken. */
function awayMillis(record: LockRecord, { readiness, nowMillis }: GhostFacts): number {
  if (readiness === undefined || readiness.isReady || readiness.sinceMillis === undefined) return 0;
  const acquired = parseTime(record.acquiredAt);
  // Who locks a node that is down already means to mend it.
  if (acquired === undefined || acquired > readiness.sinceMillis) return 0;
  return nowMillis - readiness.sinceMillis;
}

/** How long the node has been back after the reboot that should have ended the lock; 0 where it has not been. */
function leftMillis(record: LockRecord, { node, readiness, bootedMillis, nowMillis }: GhostFacts): number {
  // The holder of an explicit lock decides when.
  if (record.release === "explicit") return 0;
  if (!hasRebooted(record, node)) return 0;
  if (readiness?.isReady !== true) return 0;
  const acquired = parseTime(record.acquiredAt);
  const back = bootedMillis ?? readiness.sinceMillis;
  if (acquired === undefined || back === undefined) return 0;
  // A reboot that is over within the API server's patience (40 s) leaves the condition as it was before the lock.
  return nowMillis - Math.max(acquired, back);
}

function expiredWords({ expiresAt }: LockRecord, { nowMillis }: GhostFacts): string {
  const ago = nowMillis - (parseTime(expiresAt ?? "") ?? nowMillis);
  return ago < 1_000 ? "the lock has expired" : `the lock expired ${roughly(ago)} ago`;
}

/** Whole minutes from ten of them, as nobody counts seconds then. */
function roughly(millis: number): string {
  const step = millis >= 600_000 ? 60_000 : 1_000;
  return formatDuration(Math.floor(millis / step) * step);
}

/**
 * May this node reboot now? Open only if everything holds at once: locked by a known holder, not expired, the lock taken
 * for this very node and in this very boot, cordoned, and drained. Pure and total.
 */
import { mustLeave, type GatePod } from "./gate-pod.ts";
import { LOCK_ANNOTATION, type NodeView } from "./node.ts";
import { isExpired, lockOn, parseTime, type LockRecord } from "./record.ts";
import { oneLine } from "./request.ts";
import { shorten } from "./shorten.ts";

export type GateRule =
  | "no-node" // the API server knows no node of this name
  | "being-deleted" // the guard no longer watches such a node
  | "not-locked"
  | "unknown-holder" // the value names no one: nobody can be asked, and it carries no boot to compare with
  | "other-holder" // the asker named whose lock it must be
  | "expired"
  | "other-node" // the lock was taken for an earlier node of this name
  | "boot-unknown"
  | "boot-changed" // the reboot that the lock was for has been
  | "not-cordoned"
  | "pods-left";

export interface GateReason {
  readonly rule: GateRule;
  /** In words, one line. */
  readonly text: string;
  /** Whether time alone may make it come true: others lock, cordon and drain; nobody brings back a boot. */
  readonly mayPass: boolean;
}

export type GateVerdict =
  | { readonly kind: "open"; readonly record: LockRecord }
  | {
      readonly kind: "closed";
      /** All of them, the most telling first; never empty. */
      readonly reasons: readonly GateReason[];
      /** Every reason may pass, so waiting makes sense. */
      readonly mayOpen: boolean;
    };

export interface GateFacts {
  readonly node: NodeView;
  /** All pods that the API server has on this node. */
  readonly pods: readonly GatePod[];
  /** The boot ID of the running kernel; where only the API can be asked, what the node reported. "" = not known. */
  readonly bootID: string;
  /**
   * Whose lock it must be; undefined: anybody's. A tool that does not name itself may reboot a node that somebody else
   * has locked, cordoned and drained for work of their own.
   */
  readonly holder?: string | undefined;
  /** By the API server's clock, which is nearer to the one that stamped the lock than the node's own. */
  readonly nowMillis: number;
}

/** So many pods are named; the rest is a number. */
const MOST_NAMED = 5;

export function judgeGate(facts: GateFacts): GateVerdict {
  const { node } = facts;
  const reasons: GateReason[] = [];
  if (node.deleting) reasons.push(never("being-deleted", `node ${node.name} is being deleted`));
  const lock = lockOn(node);
  if (lock === undefined) {
    reasons.push(later("not-locked", `node ${node.name} has no reboot lock (annotation ${LOCK_ANNOTATION})`));
  } else if (lock.kind === "unknown-holder") {
    const why = shorten(oneLine(lock.why), 120);
    reasons.push(
      never(
        "unknown-holder",
        `the reboot lock was not stamped by the webhook (${why}), so its holder is unknown`,
      ),
    );
  } else {
    reasons.push(...judgeRecord(lock.record, facts));
  }
  if (!node.unschedulable) reasons.push(later("not-cordoned", `node ${node.name} is not cordoned`));
  // Without a record there is no time to compare with: then every pod counts.
  const acquiredAt = lock?.kind === "record" ? lock.record.acquiredAt : "";
  const lockedMillis = parseTime(acquiredAt) ?? Number.POSITIVE_INFINITY;
  const left = facts.pods.filter((pod) => mustLeave(pod, lockedMillis));
  if (left.length > 0) reasons.push(later("pods-left", podsWords(left)));
  if (reasons.length === 0 && lock?.kind === "record") return { kind: "open", record: lock.record };
  return { kind: "closed", reasons, mayOpen: reasons.every(({ mayPass }) => mayPass) };
}

function judgeRecord(record: LockRecord, facts: GateFacts): readonly GateReason[] {
  const { node, bootID, holder, nowMillis } = facts;
  const reasons: GateReason[] = [];
  if (holder !== undefined && record.holder !== holder) {
    reasons.push(
      later("other-holder", `the reboot lock is held by ${oneLine(record.holder)}, not by ${holder}`),
    );
  }
  if (isExpired({ kind: "record", record }, nowMillis)) {
    reasons.push(
      never("expired", `the reboot lock of ${oneLine(record.holder)} expired at ${record.expiresAt}`),
    );
  }
  // Both must be known: two unknown ones are no proof of sameness.
  if (node.uid === "" || record.nodeUID !== node.uid) {
    const was = shorten(oneLine(record.nodeUID), 60);
    reasons.push(
      never("other-node", `the reboot lock is for a node with UID "${was}", this one has "${node.uid}"`),
    );
  }
  const was = shorten(oneLine(record.bootID), 60);
  if (record.bootID === "") {
    reasons.push(never("boot-unknown", "the reboot lock was taken while the node reported no boot ID"));
  } else if (bootID === "" || node.bootID === "") {
    const who = bootID === "" ? "of the running boot" : "in the node's status";
    reasons.push(later("boot-unknown", `the boot ID ${who} is not known`));
  } else if (record.bootID !== bootID || record.bootID !== node.bootID) {
    // What the kubelet last reported counts as well: where the two differ, one of them is of another boot.
    const is = record.bootID === bootID ? node.bootID : bootID;
    reasons.push(
      never(
        "boot-changed",
        `the reboot lock was taken in boot ${was}, and this is boot ${is}: it has rebooted since`,
      ),
    );
  }
  return reasons;
}

function podsWords(left: readonly GatePod[]): string {
  const names = left.map(({ namespace, name }) => `${namespace}/${name}`).toSorted();
  const rest = names.length - MOST_NAMED;
  const named = names.slice(0, MOST_NAMED).join(", ");
  const pods = names.length === 1 ? "1 pod is" : `${names.length} pods are`;
  return `${pods} left: ${named}${rest > 0 ? ` and ${rest} more` : ""}`;
}

/** One line for logs, shells and Events. */
export function gateWords(verdict: GateVerdict): string {
  if (verdict.kind === "open") {
    const { holder, reason } = verdict.record;
    const why = reason === "" ? "" : ` (${shorten(oneLine(reason), 160)})`;
    return `open: locked by ${oneLine(holder)}${why}, cordoned and drained`;
  }
  return `closed: ${verdict.reasons.map(({ text }) => text).join("; ")}`;
}

function never(rule: GateRule, text: string): GateReason {
  return { rule, text, mayPass: false };
}

function later(rule: GateRule, text: string): GateReason {
  return { rule, text, mayPass: true };
}

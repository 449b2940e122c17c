/**
 * The guard's decision: the table of docs/guard.md, as a ladder. Pure and total.
 * Whoever wants to know why a request was refused reads `judge` from top to bottom.
 */
import type { Change, LockedChange } from "./change.ts";
import { overrideClaimed } from "./override.ts";
import { hasRebooted, holds, isExpired, isStale, lockOn, type Asker } from "./record.ts";
import { mayWriteRequest, UNCORDON_REQUESTED_ANNOTATION, writesRequest } from "./requested-uncordon.ts";
import { stampedFor, stampsKept } from "./stamp.ts";
import type { Tools } from "./tool.ts";

export interface GuardSettings {
  readonly mode: "enforce" | "warn" | "off";
  /** What a refusal becomes once the lock has expired. */
  readonly onExpired: "allow" | "deny";
  /** Usernames that may delete a locked node: cloud and node lifecycle controllers, autoscalers. */
  readonly exemptDeleters: ReadonlySet<string>;
  /** Username of the agent's ServiceAccount. */
  readonly agentUsername: string;
  /** Username of the webhook's own ServiceAccount: it writes refused uncordons onto nodes. */
  readonly webhookUsername: string;
  /**
   * Whether `system:node:NAME` counts as NAME's own agent, for edges whose writes come in under that name. Such a
   * kubelet needs to be trusted, as it also reports the boot ID that proves the reboot.
   */
  readonly acceptNodeIdentity: boolean;
  readonly tools: Tools;
}

export type AllowReason =
  | "not-relevant" // no lock, or the request leaves lock and cordon alone
  | "acquire" // a lock appears; the latch has judged its value
  | "by-holder"
  | "by-agent" // the node's own agent, after the reboot
  | "exempt-deleter"
  | "request-kept" // Nodelatch writes down a refused uncordon
  | "expired" // would be refused, but the lock has run out
  | "overridden" // break-glass, and RBAC allows it
  | "mode-warn" // would be refused in mode enforce
  | "mode-off";

export type RefuseReason =
  | "not-holder"
  | "holder-on-other-node" // same user, but the lock belongs to its pod on one node
  | "unknown-holder" // the stored value names no one
  | "lock-would-stay" // the holder's uncordon must take the lock with it
  | "not-rebooted" // the agent, before the boot ID has changed
  | "release-not-by-agent" // the agent, on a lock whose release is not "reboot"
  | "agent-only-releases" // the agent, after the reboot, but with more than the release
  | "not-stamped" // a changed value that did not pass the latch
  | "request-forged" // a refused uncordon written down by somebody else
  | "override-without-reason"
  | "override-denied" // RBAC says no
  | "override-unanswered" // the API server could not be asked
  | "override-needs-latch"; // the lock would stay on the node

/** A decision that needs no one else's word. */
export type SettledDecision =
  | {
      readonly kind: "allow";
      readonly why: AllowReason;
      readonly insteadOf?: RefuseReason;
      readonly override?: string;
    }
  | { readonly kind: "refuse"; readonly why: RefuseReason; readonly detail?: string };

export type GuardDecision =
  | SettledDecision
  /** Would be refused, but carries an override: RBAC must be asked, then `afterOverride` decides. */
  | { readonly kind: "ask-override"; readonly why: RefuseReason; readonly reason: string };

/** The answer of a SubjectAccessReview for verb `override` on `rebootlocks.nodelatch.io`, named as the node. */
export type OverrideAnswer =
  | { readonly kind: "allowed" | "denied"; readonly reason: string }
  | { readonly kind: "unknown"; readonly reason: string };

export function decide(
  change: Change,
  asker: Asker,
  nowMillis: number,
  settings: GuardSettings,
): GuardDecision {
  if (change.kind === "none") return { kind: "allow", why: "not-relevant" };
  if (change.kind === "acquire") return { kind: "allow", why: "acquire" };
  if (change.kind === "cordon" && !settings.tools.has(asker.username))
    return { kind: "allow", why: "not-relevant" };
  if (settings.mode === "off") return { kind: "allow", why: "mode-off" };

  const judged = judge(change, asker, nowMillis, settings);
  if (judged.kind === "allow") return judged;
  // A value that escaped the latch is refused even on an expired lock: nobody could say whose lock it is afterwards.
  // So is a forged request: it would be carried out when the lock goes, with the rights of whom it names.
  const isForged = judged.why === "request-forged";
  const mayExpire = settings.onExpired === "allow" && !isForged && isStamped(change, asker, nowMillis);
  if (mayExpire && isExpired(change.lock, nowMillis))
    return { kind: "allow", why: "expired", insteadOf: judged.why };
  if (settings.mode === "warn") return { kind: "allow", why: "mode-warn", insteadOf: judged.why };
  return isForged ? judged : judgeOverride(change, asker, judged.why);
}

function judgeOverride(change: LockedChange, asker: Asker, why: RefuseReason): GuardDecision {
  if (change.kind === "delete") return { kind: "refuse", why };
  const asked = overrideClaimed(change.before, change.after, asker);
  switch (asked.kind) {
    case "none":
      return { kind: "refuse", why };
    case "without-reason":
      return { kind: "refuse", why: "override-without-reason" };
    case "claimed":
      // Without the latch the lock would stay on an uncordoned node and block its next, unrelated change.
      if (lockOn(change.after) !== undefined) return { kind: "refuse", why: "override-needs-latch" };
      return { kind: "ask-override", why, reason: asked.reason };
  }
}

/** The second half of a break-glass, once RBAC has answered. */
export function afterOverride(asked: { readonly reason: string }, answer: OverrideAnswer): SettledDecision {
  switch (answer.kind) {
    case "allowed":
      return { kind: "allow", why: "overridden", override: asked.reason };
    case "denied":
      return { kind: "refuse", why: "override-denied", detail: answer.reason };
    case "unknown":
      return { kind: "refuse", why: "override-unanswered", detail: answer.reason };
  }
}

type Judgement =
  | { readonly kind: "allow"; readonly why: AllowReason; readonly insteadOf?: RefuseReason }
  | { readonly kind: "refuse"; readonly why: RefuseReason };

const allow = (why: AllowReason): Judgement => ({ kind: "allow", why });
const refuse = (why: RefuseReason): Judgement => ({ kind: "refuse", why });

/** One row for each kind of asker; mode, expiry and override are none of its business. */
function judge(change: LockedChange, asker: Asker, nowMillis: number, settings: GuardSettings): Judgement {
  if (change.kind !== "delete" && writesRequest(change.before, change.after)) {
    if (!mayWriteRequest(asker, change.before.name, settings)) return refuse("request-forged");
    if (change.kind === "request-written") return allow("request-kept");
  }
  if (holds(asker, change.lock)) return judgeHolder(change, asker, nowMillis, settings.tools);
  if (change.kind === "delete" && settings.exemptDeleters.has(asker.username)) return allow("exempt-deleter");
  if (isOwnAgent(change.before.name, asker, settings)) return judgeAgent(change);
  if (change.lock.kind !== "record") return refuse("unknown-holder");
  return refuse(change.lock.record.holder === asker.username ? "holder-on-other-node" : "not-holder");
}

function isOwnAgent(
  nodeName: string,
  asker: Asker,
  { agentUsername, acceptNodeIdentity }: GuardSettings,
): boolean {
  if (asker.username === agentUsername) return asker.node === nodeName;
  return acceptNodeIdentity && asker.username === `system:node:${nodeName}`;
}

function judgeHolder(change: LockedChange, asker: Asker, nowMillis: number, tools: Tools): Judgement {
  const isTool = tools.has(asker.username);
  if (change.kind === "uncordon") {
    // An uncordon that ends the lock is the latch's work; reaching this with the lock still there means that the latch
    // did not answer. Refusing would crash-loop kured (kured-observed.md 2b), so it passes, with a warning.
    const endsLock = change.lock.kind === "record" && change.lock.record.release === "uncordon";
    return endsLock || isTool
      ? { kind: "allow", why: "by-holder", insteadOf: "lock-would-stay" }
      : refuse("lock-would-stay");
  }
  if (change.kind === "changed-and-uncordoned") return refuse("lock-would-stay");
  return isStamped(change, asker, nowMillis) ? allow("by-holder") : refuse("not-stamped");
}

function judgeAgent(change: LockedChange): Judgement {
  if (change.kind === "delete") return refuse("not-holder");
  if (change.lock.kind !== "record") return refuse("unknown-holder");
  const { record } = change.lock;
  if (record.release !== "reboot") return refuse("release-not-by-agent");
  if (!hasRebooted(record, change.before)) return refuse("not-rebooted");
  if (change.kind === "lock-removed") return allow("by-agent");
  // The cordon that the lock found stays; but a refused uncordon that is kept on the node, the latch may have added.
  const mayUncordon =
    !record.wasUnschedulable || change.before.annotations.has(UNCORDON_REQUESTED_ANNOTATION);
  const isRelease = change.kind === "removed-and-uncordoned" && mayUncordon;
  return isRelease ? allow("by-agent") : refuse("agent-only-releases");
}

/** Whether a changed value is one that the latch wrote: the old stamps kept, or a new lock of this asker. */
function isStamped(change: LockedChange, asker: Asker, nowMillis: number): boolean {
  if (change.kind !== "lock-changed" && change.kind !== "changed-and-uncordoned") return true;
  const next = lockOn(change.after);
  if (next?.kind !== "record") return false;
  if (change.lock.kind === "record" && holds(asker, change.lock)) {
    if (stampsKept(change.lock.record, next.record)) return true;
    // A tool that cordons again begins anew; the lock that is still there was for an earlier boot.
    if (!isStale(change.lock, change.before, nowMillis)) return false;
  }
  return stampedFor(next.record, asker, change.before);
}

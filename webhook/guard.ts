/** The validating webhook `guard.nodelatch.io`: asks lock/decide.ts and puts its answer into words. */
import { changeOf, uncordons, type LockedChange } from "../lock/change.ts";
import {
  afterOverride,
  decide,
  type SettledDecision,
  type GuardSettings,
  type OverrideAnswer,
  type RefuseReason,
} from "../lock/decide.ts";
import { allowWarning, refusalMessage } from "../lock/message.ts";
import { LOCK_ANNOTATION } from "../lock/node.ts";
import type { Asker } from "../lock/record.ts";
import { requestedBy } from "../lock/requested-uncordon.ts";
import { askerOf } from "./asker.ts";
import type { RefusedRequest } from "./requested-uncordons.ts";
import type { Caller, NodeReview, NodeReviewHandler, Verdict } from "./review.ts";

/** A refused uncordon, as the Event on the node tells it. */
export interface RefusedUncordon {
  readonly nodeName: string;
  readonly nodeUID: string;
  readonly username: string;
  readonly message: string;
}

export interface GuardPorts {
  readonly settings: GuardSettings;
  readonly nowMillis: () => number;
  /** SubjectAccessReview; must not throw, "unknown" is its word for "could not be asked". */
  readonly mayOverride: (caller: Caller, nodeName: string, signal: AbortSignal) => Promise<OverrideAnswer>;
  /** Must return at once; the answer to the API server does not wait for an Event. */
  readonly onRefusedUncordon: (refused: RefusedUncordon) => void;
  /** A refused uncordon that is to be carried out when the lock goes; must return at once as well. */
  readonly onRequestedUncordon: (request: RefusedRequest) => void;
  readonly onOverride: (answer: OverrideAnswer["kind"]) => void;
}

export function createGuard(ports: GuardPorts): NodeReviewHandler {
  return function guard(review, signal) {
    const change = changeOf(review);
    const asker = askerOf(review.caller, ports.settings.tools);
    const decided = decide(change, asker, ports.nowMillis(), ports.settings);
    if (change.kind === "none" || change.kind === "acquire") {
      return { kind: "allow", decision: decided.why, warnings: [], audit: {}, patch: [] };
    }
    const verdict = (settled: SettledDecision): Verdict =>
      settled.kind === "allow" ? allowed(change, settled) : refused(ports, review, change, settled, asker);
    // Only an override waits for someone else's word; all other reviews are answered in one go.
    return decided.kind === "ask-override"
      ? askOverride(ports, review, change, decided, signal).then(verdict)
      : verdict(decided);
  };
}

async function askOverride(
  ports: GuardPorts,
  review: NodeReview,
  change: LockedChange,
  asked: { readonly reason: string },
  signal: AbortSignal,
): Promise<SettledDecision> {
  const answer = await ports.mayOverride(review.caller, change.before.name, signal);
  if (!review.dryRun) ports.onOverride(answer.kind);
  return afterOverride(asked, answer);
}

function allowed(change: LockedChange, settled: SettledDecision & { kind: "allow" }): Verdict {
  const warning = allowWarning(change, settled);
  return {
    kind: "allow",
    decision: settled.why,
    warnings: warning === undefined ? [] : [warning],
    audit: {
      ...auditOf(change, settled.why),
      ...(settled.insteadOf === undefined ? {} : { "instead-of": settled.insteadOf }),
      ...(settled.override === undefined ? {} : { "override-reason": settled.override }),
    },
    patch: [],
  };
}

function refused(
  ports: GuardPorts,
  review: NodeReview,
  change: LockedChange,
  settled: SettledDecision & { kind: "refuse" },
  asker: Asker,
): Verdict {
  const message = refusalMessage(change, settled, asker, ports.nowMillis());
  if (uncordons(change) && !review.dryRun) {
    const { name, uid } = change.before;
    const refusal = { nodeName: name, nodeUID: uid, username: asker.username };
    ports.onRefusedUncordon({ ...refusal, message });
    if (KEPT.has(settled.why)) {
      const lock = change.before.annotations.get(LOCK_ANNOTATION) ?? "";
      const { groups } = review.caller;
      ports.onRequestedUncordon({ ...refusal, groups, lock, requestedBy: requestedBy(change.before) });
    }
  }
  return {
    kind: "refuse",
    decision: settled.why,
    code: 403,
    reason: "Forbidden",
    message,
    warnings: [],
    audit: auditOf(change, settled.why),
  };
}

/**
 * Refusals after which the sender may still want the node uncordoned. Not of the agent, which tries again by itself, and
 * not of overrides: by then the latch may have added the uncordon (latch.ts).
 */
const KEPT: ReadonlySet<RefuseReason> = new Set([
  "not-holder",
  "holder-on-other-node",
  "unknown-holder",
  "lock-would-stay",
]);

/** Keys are bare: the API server puts the webhook's name before them. */
function auditOf(change: LockedChange, decision: string): Record<string, string> {
  const holder = change.lock.kind === "record" ? change.lock.record.holder : "unknown";
  return { change: change.kind, decision, "lock-holder": holder };
}

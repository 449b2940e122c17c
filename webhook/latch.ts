/** The mutating webhook `latch.nodelatch.io`: turns the decision of lock/latch.ts into a JSON patch. */
import fastJsonPatch, { type Operation } from "fast-json-patch";
import { changeOf } from "../lock/change.ts";
import { decide, type GuardSettings } from "../lock/decide.ts";
import { latch, type LatchDecision, type LatchSettings } from "../lock/latch.ts";
import { aftermathWarning, type Aftermath } from "../lock/message.ts";
import type { NodeView } from "../lock/node.ts";
import type { AtRelease, RequestedUncordon } from "../lock/requested-uncordon.ts";
import { askerOf } from "./asker.ts";
import type { NodeReview, NodeReviewHandler, Verdict } from "./review.ts";

export interface LatchPorts {
  readonly settings: LatchSettings;
  /** What the guard will judge the result by: for a request that it refuses, nobody is asked anything. */
  readonly guard: GuardSettings;
  readonly nowMillis: () => number;
  /** SubjectAccessReview; must not throw, "unknown" is its word for "could not be asked". */
  readonly mayUncordon: (
    user: { readonly username: string; readonly groups: readonly string[] },
    nodeName: string,
    signal: AbortSignal,
  ) => Promise<"allowed" | "denied" | "unknown">;
  /** What became of a refused uncordon, now that the lock goes. */
  readonly onAftermath: (aftermath: Aftermath) => void;
}

export function createLatch(ports: LatchPorts): NodeReviewHandler {
  const { settings } = ports;
  return function latchNode(review, signal) {
    const { old: before, node: after, subresource } = review;
    const change = changeOf(review);
    const asker = askerOf(review.caller, settings.tools);
    const nowMillis = ports.nowMillis();
    const decided = latch({ change, before, after, subresource }, asker, nowMillis, settings);
    if (decided.kind === "leave")
      return { kind: "allow", decision: "left", warnings: [], audit: {}, patch: [] };
    if (decided.kind === "refuse") return refused(decided.problem);
    const verdict = written(review, decided);
    const { kept } = decided;
    const isMoot = kept.kind === "none" || decide(change, asker, nowMillis, ports.guard).kind === "refuse";
    // Only a kept uncordon waits for someone else's word; all other reviews are answered in one go.
    return isMoot ? verdict : withAftermath(ports, review, verdict, kept, signal);
  };
}

type Allowed = Verdict & { readonly kind: "allow" };

function written({ node }: NodeReview, decided: LatchDecision & { kind: "set" }): Allowed {
  return {
    kind: "allow",
    decision: decided.why,
    warnings: decided.notes,
    audit: { decision: decided.why },
    patch: node === null ? [] : annotationPatch(node, decided.annotations),
  };
}

function refused(message: string): Verdict {
  return {
    kind: "refuse",
    decision: "bad-value",
    code: 422,
    reason: "Invalid",
    message,
    warnings: [],
    audit: { decision: "bad-value" },
  };
}

async function withAftermath(
  ports: LatchPorts,
  review: NodeReview,
  verdict: Allowed,
  kept: Exclude<AtRelease, { kind: "none" }>,
  signal: AbortSignal,
): Promise<Verdict> {
  const name = review.old?.name ?? "";
  const aftermath = kept.kind === "drop" ? "left" : await asked(ports, kept.request, name, signal);
  const by = kept.kind === "drop" ? kept.by : kept.request.by;
  if (!review.dryRun) ports.onAftermath(aftermath);
  return {
    ...verdict,
    warnings: [...verdict.warnings, aftermathWarning(name, by, aftermath)],
    audit: {
      ...verdict.audit,
      "kept-uncordon": aftermath,
      ...(by === undefined ? {} : { "kept-uncordon-of": by }),
    },
    patch: aftermath === "carried-out" ? [...verdict.patch, UNCORDON] : verdict.patch,
  };
}

/** The field is there and true, or nothing would have been kept for it. */
const UNCORDON: Operation = { op: "remove", path: "/spec/unschedulable" };

async function asked(
  { mayUncordon }: LatchPorts,
  { by: username, groups }: RequestedUncordon,
  nodeName: string,
  signal: AbortSignal,
): Promise<Aftermath> {
  switch (await mayUncordon({ username, groups }, nodeName, signal)) {
    case "allowed":
      return "carried-out";
    case "denied":
      return "denied";
    case "unknown":
      return "unanswered";
  }
}

/**
 * The smallest patch from the request's annotations to the wanted ones. Other annotations are not in the view and so
 * not in the patch; a node without any gets the whole map, as JSON patch can't add below a path that is not there.
 */
export function annotationPatch(node: NodeView, wanted: ReadonlyMap<string, string | null>): Operation[] {
  const next = new Map(node.annotations);
  for (const [key, value] of wanted) {
    if (value === null) next.delete(key);
    else next.set(key, value);
  }
  const before = node.hasAnnotations ? { annotations: Object.fromEntries(node.annotations) } : {};
  return fastJsonPatch.compare({ metadata: before }, { metadata: { annotations: Object.fromEntries(next) } });
}

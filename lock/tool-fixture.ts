/** Tools of each kind, and what latch and guard make of their requests, for the tests beside. */
import { changeOf } from "./change.ts";
import { decide } from "./decide.ts";
import { guardSettings, latchSettings, lockRecord, nodeView, NOW, rewritten } from "./fixture.ts";
import { latch, type LatchDecision } from "./latch.ts";
import { LOCK_ANNOTATION, type NodeView } from "./node.ts";
import { readStoredLock, type Asker, type LockRecord } from "./record.ts";
import { askerFor, toolsByUser, type Tool } from "./tool.ts";

export const KEY = "example.com/rebooting";
export const kured: Tool = {
  name: "kured",
  username: "kured",
  lockOn: { kind: "cordon" },
  releaseOn: { kind: "uncordon" },
  ttlMillis: undefined,
  perNode: true,
};
export const rover: Tool = {
  ...kured,
  name: "rover",
  username: "rover",
  perNode: false,
  ttlMillis: 3_600_000,
};
export const marker: Tool = {
  ...kured,
  name: "marker",
  username: "marker",
  lockOn: { kind: "annotation-added", key: KEY },
  releaseOn: { kind: "annotation-removed", key: KEY },
};
export const prover: Tool = { ...kured, name: "prover", username: "prover", releaseOn: { kind: "reboot" } };
export const tools = toolsByUser([kured, rover, marker, prover]);
export const latching = latchSettings({ tools, keepAutoscalersAway: false, carryOutUncordons: false });
export const guarding = guardSettings({ tools });

export const by = (username: string, node?: string): Asker => askerFor(username, node, tools);
export const open = nodeView({ unschedulable: false });
export const cordoned = nodeView({ unschedulable: true });
export const kuredLock = (part: Partial<LockRecord> = {}): LockRecord =>
  lockRecord({ holder: "kured", holderNode: "n1", release: "uncordon", ...part });
export const marked = (node: NodeView, value: string | null): NodeView =>
  rewritten(node, { annotations: { [KEY]: value } });

export function latched(old: NodeView, node: NodeView, asker: Asker, subresource = ""): LatchDecision {
  const change = changeOf({ operation: "UPDATE", subresource, old, node });
  return latch({ change, before: old, after: node, subresource }, asker, NOW, latching);
}

/** "left", "released", "locked" and so on. */
export function outcome(decision: LatchDecision): string {
  return decision.kind === "set" ? decision.why : decision.kind;
}

/** What the guard says about the request once the latch has been at it. */
export function guarded(old: NodeView, node: NodeView, asker: Asker, settings = guarding): string {
  const decision = latched(old, node, asker);
  const after =
    decision.kind === "set"
      ? rewritten(node, { annotations: Object.fromEntries(decision.annotations) })
      : node;
  const change = changeOf({ operation: "UPDATE", subresource: "", old, node: after });
  const decided = decide(change, asker, NOW, settings);
  return `${decided.kind} ${decided.why}`;
}

export const storedBy = (decision: LatchDecision): unknown =>
  decision.kind === "set" ? readStoredLock(decision.annotations.get(LOCK_ANNOTATION) ?? "") : decision;

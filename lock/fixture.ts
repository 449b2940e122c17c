/** Nodes, locks and askers for the tests of this folder and of webhook/. */
import { changeOf, type LockedChange } from "./change.ts";
import type { GuardSettings } from "./decide.ts";
import type { LatchSettings } from "./latch.ts";
import { LOCK_ANNOTATION, type NodeView } from "./node.ts";
import { writeRecord, type Asker, type LockRecord } from "./record.ts";
import { NO_TOOLS } from "./tool.ts";

export const NOW = Date.parse("2026-11-21T09:30:00Z");

export function nodeView(
  part: Partial<Omit<NodeView, "annotations">> & { annotations?: Record<string, string> } = {},
): NodeView {
  const { annotations, ...rest } = part;
  return {
    name: "n1",
    uid: "uid-n1",
    deleting: false,
    hasAnnotations: true,
    unschedulable: true,
    bootID: "boot-1",
    ...rest,
    annotations: new Map(Object.entries(annotations ?? {})),
  };
}

export function lockRecord(part: Partial<LockRecord> = {}): LockRecord {
  return {
    holder: "alice",
    reason: "kernel update",
    acquiredAt: "2026-11-21T09:14:00Z",
    nodeUID: "uid-n1",
    bootID: "boot-1",
    wasUnschedulable: false,
    release: "explicit",
    ...part,
  };
}

export function locked(record: LockRecord | string, part: Parameters<typeof nodeView>[0] = {}): NodeView {
  const value = typeof record === "string" ? record : writeRecord(record);
  return nodeView({ ...part, annotations: { ...part.annotations, [LOCK_ANNOTATION]: value } });
}

/** The same node with some annotations changed (null removes) and, if asked, uncordoned. */
export function rewritten(
  node: NodeView,
  change: { annotations?: Record<string, string | null>; unschedulable?: boolean },
): NodeView {
  const annotations = new Map(node.annotations);
  for (const [key, value] of Object.entries(change.annotations ?? {})) {
    if (value === null) annotations.delete(key);
    else annotations.set(key, value);
  }
  return { ...node, annotations, unschedulable: change.unschedulable ?? node.unschedulable };
}

/** The change of an UPDATE (or DELETE, where `node` is null) of a locked node. */
export function lockedChange(old: NodeView, node: NodeView | null, subresource = ""): LockedChange {
  const change = changeOf({ operation: node === null ? "DELETE" : "UPDATE", subresource, old, node });
  if (change.kind === "none" || change.kind === "acquire")
    throw new Error(`no change of a locked node: ${change.kind}`);
  return change;
}

/** A guard that enforces, and knows no tools unless told. */
export function guardSettings(part: Partial<GuardSettings> = {}): GuardSettings {
  return {
    mode: "enforce",
    onExpired: "allow",
    exemptDeleters: new Set(),
    agentUsername: "agent",
    webhookUsername: "webhook",
    acceptNodeIdentity: false,
    tools: NO_TOOLS,
    ...part,
  };
}

/** A latch that does all it can, for no tools unless told. */
export function latchSettings(part: Partial<LatchSettings> = {}): LatchSettings {
  return {
    limits: { defaultTtlMillis: undefined, minTtlMillis: 60_000, maxTtlMillis: 86_400_000 },
    tools: NO_TOOLS,
    keepAutoscalersAway: true,
    carryOutUncordons: true,
    ...part,
  };
}

export function asker(username: string, node?: string): Asker {
  return { username, node };
}

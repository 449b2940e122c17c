/**
 * What the mutating webhook adds to a request so that the stored lock is the server's word. Pure and total.
 * It never judges who may do what: that is the guard's, which sees the result.
 */
import { LAST_OVERRIDE_ANNOTATION, LOCK_ANNOTATION, OVERRIDE_ANNOTATION, type NodeView } from "./node.ts";
import { overrideAsked, writeOverrideRecord } from "./override.ts";
import { holds, isExpired, lockOn, writeRecord, type Asker, type StoredLock } from "./record.ts";
import { parseLockRequest, type LockLimits } from "./request.ts";
import { restamp, stampNew } from "./stamp.ts";
import { toolAct, type LatchRequest, type Tool, type ToolAct, type Tools } from "./tool.ts";

export interface LatchSettings {
  readonly limits: LockLimits;
  readonly tools: Tools;
}

export type LatchDecision =
  | { readonly kind: "leave" }
  | {
      readonly kind: "set";
      readonly why: "stamped" | "restamped" | "locked" | "released" | "broken";
      /** Annotations to write; null removes the key. */
      readonly annotations: ReadonlyMap<string, string | null>;
      readonly notes: readonly string[];
    }
  /** The value cannot be a lock; the message names field, value and remedy. */
  | { readonly kind: "refuse"; readonly problem: string };

/** @param asker of `askerFor`. */
export function latch(
  request: LatchRequest,
  asker: Asker,
  nowMillis: number,
  settings: LatchSettings,
): LatchDecision {
  const { limits } = settings;
  const { change, before, after } = request;
  if (after === null || before?.deleting === true) return { kind: "leave" };
  const lock = lockOn(before);
  if (before !== null && lock !== undefined) {
    const override = overrideAsked(before, after);
    if (override.kind === "without-reason") {
      return { kind: "refuse", problem: `annotation ${OVERRIDE_ANNOTATION}="": say why the lock is broken` };
    }
    if (override.kind === "claimed") return broken(after, asker, override.reason, lock, nowMillis);
  }
  const tool = settings.tools.get(asker.username);
  if (tool !== undefined) {
    const act = toolAct(tool, request, asker, nowMillis);
    if (act.kind === "lock") return lockedByTool(tool, act, asker, before ?? after, nowMillis, limits);
    if (act.kind === "release") return RELEASED;
  }
  switch (change.kind) {
    case "acquire":
      return stamped(after, before ?? after, undefined, asker, nowMillis, limits);
    case "lock-changed":
    case "changed-and-uncordoned":
      return stamped(after, change.before, change.lock, asker, nowMillis, limits);
    case "uncordon":
      return endsWithUncordon(change.lock, asker) ? RELEASED : { kind: "leave" };
    case "none":
    case "cordon":
    case "delete":
    case "lock-removed":
    case "removed-and-uncordoned":
      return { kind: "leave" };
  }
}

const RELEASED: LatchDecision = {
  kind: "set",
  why: "released",
  annotations: new Map([[LOCK_ANNOTATION, null]]),
  notes: [],
};

function lockedByTool(
  tool: Tool,
  act: ToolAct & { kind: "lock" },
  asker: Asker,
  before: NodeView,
  nowMillis: number,
  limits: LockLimits,
): LatchDecision {
  const lifeMillis = tool.ttlMillis ?? limits.defaultTtlMillis;
  const expiresAtMillis = lifeMillis === undefined ? undefined : nowMillis + lifeMillis;
  const { reason, release } = act;
  const record = stampNew({ reason, expiresAtMillis, release, notes: [] }, asker, before, nowMillis);
  return {
    kind: "set",
    why: "locked",
    annotations: new Map([[LOCK_ANNOTATION, writeRecord(record)]]),
    notes: [],
  };
}

function stamped(
  after: NodeView,
  before: NodeView,
  held: StoredLock | undefined,
  asker: Asker,
  nowMillis: number,
  limits: LockLimits,
): LatchDecision {
  const value = after.annotations.get(LOCK_ANNOTATION) ?? "";
  const parsed = parseLockRequest(value, limits, nowMillis);
  // A change by anyone but the holder passes the guard only where the lock has expired or the mode lets it through;
  // then it is a new lock of theirs, never the old one in their words.
  const own = held?.kind === "record" && holds(asker, held) ? held.record : undefined;
  if (!parsed.ok) {
    // Whoever meets somebody else's lock should read whose it is, not how to spell a duration: the guard tells.
    const isForeign = held !== undefined && own === undefined && !isExpired(held, nowMillis);
    return isForeign ? { kind: "leave" } : { kind: "refuse", problem: parsed.problem };
  }
  const { request } = parsed;
  const record = own === undefined ? stampNew(request, asker, before, nowMillis) : restamp(own, request);
  return {
    kind: "set",
    why: own === undefined ? "stamped" : "restamped",
    annotations: new Map([[LOCK_ANNOTATION, writeRecord(record)]]),
    notes: request.notes,
  };
}

function broken(
  after: NodeView,
  asker: Asker,
  reason: string,
  lock: StoredLock,
  nowMillis: number,
): LatchDecision {
  const holder = lock.kind === "record" ? lock.record.holder : "";
  const annotations = new Map<string, string | null>([
    [LAST_OVERRIDE_ANNOTATION, writeOverrideRecord(asker, reason, holder, nowMillis)],
    [OVERRIDE_ANNOTATION, null],
  ]);
  if (lockOn(after) !== undefined) annotations.set(LOCK_ANNOTATION, null);
  return { kind: "set", why: "broken", annotations, notes: [] };
}

function endsWithUncordon(lock: StoredLock, asker: Asker): boolean {
  return lock.kind === "record" && lock.record.release === "uncordon" && holds(asker, lock);
}

/**
 * What the mutating webhook adds to a request so that the stored lock is the server's word. Pure and total.
 * It never judges who may do what: that is the guard's, which sees the result.
 */
import { keepAway, type AutoscalersBefore } from "./autoscalers.ts";
import { lockEnd, NOTHING_KEPT } from "./lock-end.ts";
import { LAST_OVERRIDE_ANNOTATION, LOCK_ANNOTATION, OVERRIDE_ANNOTATION, type NodeView } from "./node.ts";
import { overrideAsked, writeOverrideRecord } from "./override.ts";
import {
  holds,
  isExpired,
  lockOn,
  writeRecord,
  type Asker,
  type LockRecord,
  type StoredLock,
} from "./record.ts";
import { parseLockRequest, type LockLimits } from "./request.ts";
import { UNCORDON_REQUESTED_ANNOTATION, type AtRelease } from "./requested-uncordon.ts";
import { restamp, stampNew } from "./stamp.ts";
import { toolAct, type LatchRequest, type Tool, type ToolAct, type Tools } from "./tool.ts";

export interface LatchSettings {
  readonly limits: LockLimits;
  readonly tools: Tools;
  /** Whether a new lock tells autoscalers to stay away. What a lock has changed is given back in any case. */
  readonly keepAutoscalersAway: boolean;
  /** Whether a refused uncordon is carried out when the lock goes; false where the guard does not enforce. */
  readonly carryOutUncordons: boolean;
}

export type LatchDecision =
  | { readonly kind: "leave" }
  | {
      readonly kind: "set";
      readonly why: "stamped" | "restamped" | "locked" | "released" | "broken" | "tidied";
      /** Annotations to write; null removes the key. */
      readonly annotations: ReadonlyMap<string, string | null>;
      readonly notes: readonly string[];
      /** A refused uncordon that may be carried out now. */
      readonly kept: AtRelease;
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
  const { before, after } = request;
  if (after === null || before?.deleting === true) return { kind: "leave" };
  const decided = latchLock(request, after, asker, nowMillis, settings);
  const lock = lockOn(before);
  if (before === null || lock === undefined || decided.kind === "refuse") return decided;
  const written = decided.kind === "set" ? decided.annotations : NOTHING;
  const end = lockEnd({ ...request, before, after }, lock, written, settings.carryOutUncordons);
  if (decided.kind === "set") {
    return { ...decided, annotations: new Map([...written, ...end.annotations]), kept: end.kept };
  }
  if (end.annotations.size === 0 && end.kept.kind === "none") return decided;
  const why = lockOn(after) === undefined ? "released" : "tidied";
  return { kind: "set", why, notes: [], ...end };
}

const NOTHING: ReadonlyMap<string, string | null> = new Map();

/** The lock alone. */
function latchLock(
  request: LatchRequest,
  after: NodeView,
  asker: Asker,
  nowMillis: number,
  settings: LatchSettings,
): LatchDecision {
  const { change, before } = request;
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
    if (act.kind === "lock")
      return lockedByTool(tool, act, asker, before ?? after, after, nowMillis, settings);
    if (act.kind === "release") return RELEASED;
  }
  switch (change.kind) {
    case "acquire":
      return stamped(after, before ?? after, undefined, asker, nowMillis, settings);
    case "lock-changed":
    case "changed-and-uncordoned":
      return stamped(after, change.before, change.lock, asker, nowMillis, settings);
    case "uncordon":
      return endsWithUncordon(change.lock, asker) ? RELEASED : { kind: "leave" };
    case "none":
    case "cordon":
    case "request-written":
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
  kept: NOTHING_KEPT,
};

function lockedByTool(
  tool: Tool,
  act: ToolAct & { kind: "lock" },
  asker: Asker,
  before: NodeView,
  after: NodeView,
  nowMillis: number,
  settings: LatchSettings,
): LatchDecision {
  const lifeMillis = tool.ttlMillis ?? settings.limits.defaultTtlMillis;
  const expiresAtMillis = lifeMillis === undefined ? undefined : nowMillis + lifeMillis;
  const { reason, release } = act;
  const record = stampNew({ reason, expiresAtMillis, release, notes: [] }, asker, before, nowMillis);
  return {
    kind: "set",
    why: "locked",
    annotations: newLock(record, after, lockOn(before), settings),
    notes: [],
    kept: NOTHING_KEPT,
  };
}

function stamped(
  after: NodeView,
  before: NodeView,
  held: StoredLock | undefined,
  asker: Asker,
  nowMillis: number,
  settings: LatchSettings,
): LatchDecision {
  const value = after.annotations.get(LOCK_ANNOTATION) ?? "";
  const parsed = parseLockRequest(value, settings.limits, nowMillis);
  // A change by anyone but the holder passes the guard only where the lock has expired or the mode lets it through;
  // then it is a new lock of theirs, never the old one in their words.
  const own = held?.kind === "record" && holds(asker, held) ? held.record : undefined;
  if (!parsed.ok) {
    // Whoever meets somebody else's lock should read whose it is, not how to spell a duration: the guard tells.
    const isForeign = held !== undefined && own === undefined && !isExpired(held, nowMillis);
    return isForeign ? { kind: "leave" } : { kind: "refuse", problem: parsed.problem };
  }
  const { request } = parsed;
  const { notes } = request;
  if (own !== undefined) {
    const annotations = new Map([[LOCK_ANNOTATION, writeRecord(restamp(own, request))]]);
    return { kind: "set", why: "restamped", annotations, notes, kept: NOTHING_KEPT };
  }
  const record = stampNew(request, asker, before, nowMillis);
  const annotations = newLock(record, after, held, settings);
  return { kind: "set", why: "stamped", annotations, notes, kept: NOTHING_KEPT };
}

/** @param held the lock that it takes over, undefined if there was none */
function newLock(
  record: LockRecord,
  after: NodeView,
  held: StoredLock | undefined,
  settings: LatchSettings,
): ReadonlyMap<string, string | null> {
  const changed: AutoscalersBefore | undefined =
    held?.kind === "record" ? held.record.autoscalers : undefined;
  const away = keepAway(after.annotations, changed, settings.keepAutoscalersAway);
  const whole = away.before === undefined ? record : { ...record, autoscalers: away.before };
  const annotations = new Map<string, string | null>([
    [LOCK_ANNOTATION, writeRecord(whole)],
    ...away.annotations,
  ]);
  // Nobody guarded it before a lock was stamped: whatever it says, none has refused that uncordon.
  if (held?.kind !== "record" && after.annotations.has(UNCORDON_REQUESTED_ANNOTATION))
    annotations.set(UNCORDON_REQUESTED_ANNOTATION, null);
  return annotations;
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
  return { kind: "set", why: "broken", annotations, notes: [], kept: NOTHING_KEPT };
}

function endsWithUncordon(lock: StoredLock, asker: Asker): boolean {
  return lock.kind === "record" && lock.record.release === "uncordon" && holds(asker, lock);
}

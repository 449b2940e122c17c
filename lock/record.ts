/**
 * The lock record: what the webhook stores in the annotation, stamped by the server.
 * Pure; the clock and the caller come in as arguments.
 */
import {
  AUTOSCALER_ANNOTATIONS,
  readAutoscalers,
  type AutoscalerAnnotation,
  type AutoscalersBefore,
} from "./autoscalers.ts";
import { LOCK_ANNOTATION, type NodeView } from "./node.ts";

/** Who sends a request, as far as the lock is concerned. Always from userInfo, never from the object. */
export interface Asker {
  readonly username: string;
  /** Node of the pod whose bound token was used (KEP-4193), undefined for people and unbound tokens. */
  readonly node: string | undefined;
}

/** Which act ends the lock. */
export type Release =
  | "explicit" // only removing the annotation
  | "uncordon" // the holder's uncordon takes the lock with it
  | "reboot"; // the node's agent, once the boot ID has changed

export const RELEASES: readonly Release[] = ["explicit", "uncordon", "reboot"];

export interface LockRecord {
  readonly holder: string;
  readonly holderNode?: string;
  readonly reason: string;
  /** RFC 3339, whole seconds, UTC. */
  readonly acquiredAt: string;
  readonly expiresAt?: string;
  readonly nodeUID: string;
  /** status.nodeInfo.bootID at acquisition. */
  readonly bootID: string;
  /** Whether the node was cordoned before the lock came. */
  readonly wasUnschedulable: boolean;
  readonly release: Release;
  /** What to give back to autoscalers when the lock goes. */
  readonly autoscalers?: AutoscalersBefore;
}

/** A lock as found on a node. A value that no one can parse is a lock of unknown holder, never "no lock". */
export type StoredLock =
  | { readonly kind: "record"; readonly record: LockRecord }
  | { readonly kind: "unknown-holder"; readonly why: string; readonly text: string };

/** The lock on a node, or undefined where the key is absent. An empty value is a lock. */
export function lockOn(node: NodeView | null): StoredLock | undefined {
  const value = node?.annotations.get(LOCK_ANNOTATION);
  return value === undefined ? undefined : readStoredLock(value);
}

/** Reads a stored value; total over any text. */
export function readStoredLock(value: string): StoredLock {
  const unknown = (why: string): StoredLock => ({ kind: "unknown-holder", why, text: value });
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch {
    return unknown("the value is no JSON");
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    return unknown("the value is no JSON object");
  }
  const fields = new Map<string, unknown>(Object.entries(parsed));
  const wrong: string[] = [];
  const text = (key: string): string => {
    const found = fields.get(key);
    if (typeof found === "string") return found;
    wrong.push(key);
    return "";
  };
  const time = (key: string): string => {
    const found = text(key);
    if (parseTime(found) === undefined) wrong.push(key);
    return found;
  };
  const release = RELEASES.find((known) => known === fields.get("release"));
  const wasUnschedulable = fields.get("wasUnschedulable");
  if (release === undefined) wrong.push("release");
  if (typeof wasUnschedulable !== "boolean") wrong.push("wasUnschedulable");
  const autoscalers = fields.has("autoscalers") ? readAutoscalers(fields.get("autoscalers")) : {};
  if (autoscalers === undefined) wrong.push("autoscalers");
  const record: LockRecord = {
    holder: text("holder"),
    ...(fields.has("holderNode") ? { holderNode: text("holderNode") } : {}),
    reason: text("reason"),
    acquiredAt: time("acquiredAt"),
    ...(fields.has("expiresAt") ? { expiresAt: time("expiresAt") } : {}),
    nodeUID: text("nodeUID"),
    bootID: text("bootID"),
    wasUnschedulable: wasUnschedulable === true,
    release: release ?? "explicit",
    ...(fields.has("autoscalers") ? { autoscalers: autoscalers ?? {} } : {}),
  };
  if (record.holder === "") wrong.push("holder");
  if (wrong.length > 0) return unknown(`missing or broken: ${[...new Set(wrong)].join(", ")}`);
  return { kind: "record", record };
}

/** Canonical JSON: keys in alphabetical order, no spaces, absent fields left out. */
export function writeRecord(record: LockRecord): string {
  return JSON.stringify(record, [
    "acquiredAt",
    "autoscalers",
    "bootID",
    "expiresAt",
    "holder",
    "holderNode",
    "nodeUID",
    "reason",
    "release",
    "wasUnschedulable",
    // The list counts at every depth.
    ...AUTOSCALER_ANNOTATIONS,
  ] satisfies (keyof LockRecord | AutoscalerAnnotation)[]);
}

/** Whether the asker holds this lock: same user and, where the holder was a pod on a node, the same node. */
export function holds(asker: Asker, lock: StoredLock): boolean {
  if (lock.kind !== "record") return false;
  if (lock.record.holder !== asker.username) return false;
  return lock.record.holderNode === undefined || lock.record.holderNode === asker.node;
}

/** Whether the lock has an expiry and it is reached; the caller's clock is the webhook's. */
export function isExpired(lock: StoredLock, nowMillis: number): boolean {
  if (lock.kind !== "record" || lock.record.expiresAt === undefined) return false;
  const at = parseTime(lock.record.expiresAt);
  return at !== undefined && at <= nowMillis;
}

/** Whether the node reports another boot than the lock's. Both must be known: what is not reported is not proven. */
export function hasRebooted({ bootID }: LockRecord, node: NodeView): boolean {
  return bootID !== "" && node.bootID !== "" && bootID !== node.bootID;
}

/**
 * Whether the lock was for something that is over: it has expired, or its node was registered anew or has rebooted
 * since. It holds all the same; but its holder may begin anew where it would else change nothing.
 */
export function isStale(lock: StoredLock, node: NodeView, nowMillis: number): boolean {
  if (lock.kind !== "record") return false;
  if (isExpired(lock, nowMillis)) return true;
  return lock.record.nodeUID !== node.uid || lock.record.bootID !== node.bootID;
}

// Only the one form that formatTime writes and people know from `kubectl get -o yaml`; Date.parse takes far more.
const RFC3339 = /^(\d{4})-(\d{2})-(\d{2})T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/;

/** RFC 3339 to epoch milliseconds, undefined if it is no such time (30 February included). */
export function parseTime(text: string): number | undefined {
  const found = RFC3339.exec(text);
  if (found === null) return undefined;
  const millis = Date.parse(text);
  if (Number.isNaN(millis)) return undefined;
  // Date.parse rolls 2026-02-30 over into March; a date whose day does not survive is none.
  const [year, month, day] = [Number(found[1]), Number(found[2]), Number(found[3])];
  return new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day ? millis : undefined;
}

/** Epoch milliseconds as RFC 3339 in whole seconds. */
export function formatTime(millis: number): string {
  return `${new Date(millis).toISOString().slice(0, 19)}Z`;
}

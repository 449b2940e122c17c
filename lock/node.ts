/**
 * The few facts of a Node that the reboot lock is about, read once from raw JSON.
 * Everything else a Node carries is dropped here, so nothing later can depend on it.
 */

import { AUTOSCALER_ANNOTATIONS } from "./autoscalers.ts";

/** Annotation that holds the lock. Key present = locked, whatever the value (design section 3). */
export const LOCK_ANNOTATION = "nodelatch.io/reboot-lock";
/** Annotation that asks for break-glass; counts only when newly set in the request. */
export const OVERRIDE_ANNOTATION = "nodelatch.io/override";
/** Annotation that the webhook leaves behind when a lock was broken: who, when, why. Also the guard's proof. */
export const LAST_OVERRIDE_ANNOTATION = "nodelatch.io/last-override";

const OWN_PREFIX = "nodelatch.io/";

/** One side (old or new) of a request on a Node, reduced to what decides. */
export interface NodeView {
  readonly name: string;
  readonly uid: string;
  /** metadata.deletionTimestamp is set. */
  readonly deleting: boolean;
  /** metadata.annotations is an object, even an empty one; a JSON patch needs to know. */
  readonly hasAnnotations: boolean;
  /** Only the annotations under `nodelatch.io/`, those of autoscalers, and those that the reader was told to watch. */
  readonly annotations: ReadonlyMap<string, string>;
  /** spec.unschedulable; absent, null and false are the same. */
  readonly unschedulable: boolean;
  /** status.nodeInfo.bootID, "" if the node has not reported one. */
  readonly bootID: string;
}

const NOTHING_MORE: ReadonlySet<string> = new Set();
const AUTOSCALERS: ReadonlySet<string> = new Set(AUTOSCALER_ANNOTATIONS);

/**
 * Reads a Node as it stands in an AdmissionReview.
 * @param watched annotations to keep besides Nodelatch's own and those of autoscalers.
 * @throws TypeError naming the field, if a field that decides has a type no API server would send.
 */
export function parseNode(raw: unknown, where: string, watched = NOTHING_MORE): NodeView {
  const node = record(raw, where);
  const metadata = record(node["metadata"], `${where}.metadata`);
  const rawAnnotations = optionalRecord(metadata["annotations"], `${where}.metadata.annotations`);
  const annotations = new Map<string, string>();
  for (const [key, value] of Object.entries(rawAnnotations ?? {})) {
    if (!key.startsWith(OWN_PREFIX) && !AUTOSCALERS.has(key) && !watched.has(key)) continue;
    annotations.set(key, text(value, `${where}.metadata.annotations[${key}]`));
  }
  const spec = optionalRecord(node["spec"], `${where}.spec`);
  const status = optionalRecord(node["status"], `${where}.status`);
  const nodeInfo = optionalRecord(status?.["nodeInfo"], `${where}.status.nodeInfo`);
  const unschedulable = spec?.["unschedulable"] ?? false;
  if (typeof unschedulable !== "boolean") {
    throw new TypeError(
      `${where}.spec.unschedulable: expected true, false or null, got ${kindOf(unschedulable)}`,
    );
  }
  return {
    name: text(metadata["name"] ?? "", `${where}.metadata.name`),
    uid: text(metadata["uid"] ?? "", `${where}.metadata.uid`),
    deleting: (metadata["deletionTimestamp"] ?? null) !== null,
    hasAnnotations: rawAnnotations !== undefined,
    annotations,
    unschedulable,
    bootID: text(nodeInfo?.["bootID"] ?? "", `${where}.status.nodeInfo.bootID`),
  };
}

function record(value: unknown, where: string): Record<string, unknown> {
  const found = optionalRecord(value, where);
  if (found === undefined) throw new TypeError(`${where}: expected an object, got ${kindOf(value)}`);
  return found;
}

function optionalRecord(value: unknown, where: string): Record<string, unknown> | undefined {
  if (value === undefined || value === null) return undefined;
  if (isRecord(value)) return value;
  throw new TypeError(`${where}: expected an object, got ${kindOf(value)}`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown, where: string): string {
  if (typeof value === "string") return value;
  throw new TypeError(`${where}: expected a string, got ${kindOf(value)}`);
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : typeof value;
}

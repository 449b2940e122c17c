/** What `status` knows of a node, from its object and its Events. Pure. */
import { parseNode, type NodeView } from "../../lock/node.ts";
import { isExpired, lockOn, type StoredLock } from "../../lock/record.ts";
import { objectAt, textAt, type JsonObject } from "../../kube/json.ts";
import type { NodeEvent } from "../events.ts";
import { BOOT_REPORT_ANNOTATION, parseBootReport, type BootReport } from "./boot-report.ts";

export interface NodeState {
  readonly view: NodeView;
  readonly lock: StoredLock | undefined;
  readonly lockState: LockState;
  readonly ready: boolean;
  readonly kubeletVersion: string;
  readonly bootReport: BootReport | undefined;
  readonly lastRefusal: NodeEvent | undefined;
}

export type LockState =
  | "none"
  | "held"
  | "unknown" // nobody's: not stamped by the webhook
  | "expired"
  | "rebooted" // held, and the node has rebooted since
  | "ghost"; // expired, and the node is not ready: nobody seems to come back to it

/** @throws TypeError for what is no Node. */
export function nodeStateOf(
  raw: JsonObject,
  lastRefusal: NodeEvent | undefined,
  nowMillis: number,
): NodeState {
  const view = parseNode(raw, "the node");
  const status = objectAt(raw, "status");
  const lock = lockOn(view);
  const ready = isReady(status);
  return {
    view,
    lock,
    lockState: lockStateOf(lock, view, ready, nowMillis),
    ready,
    kubeletVersion: textAt(objectAt(status, "nodeInfo"), "kubeletVersion") ?? "",
    bootReport: parseBootReport(view.annotations.get(BOOT_REPORT_ANNOTATION)),
    lastRefusal,
  };
}

function lockStateOf(
  lock: StoredLock | undefined,
  view: NodeView,
  ready: boolean,
  nowMillis: number,
): LockState {
  if (lock === undefined) return "none";
  if (lock.kind !== "record") return "unknown";
  if (isExpired(lock, nowMillis)) return ready ? "expired" : "ghost";
  const { bootID } = lock.record;
  return bootID !== "" && view.bootID !== "" && bootID !== view.bootID ? "rebooted" : "held";
}

function isReady(status: JsonObject | undefined): boolean {
  const conditions = status?.["conditions"];
  return (
    Array.isArray(conditions) &&
    conditions.some((one: unknown) => textAt(one, "type") === "Ready" && textAt(one, "status") === "True")
  );
}

/** What `status` knows of a node, from its object and its Events. Pure. */
import { ghostSigns, type GhostSign, type Readiness } from "../../lock/ghost.ts";
import { parseNode, type NodeView } from "../../lock/node.ts";
import { hasRebooted, lockOn, parseTime, type StoredLock } from "../../lock/record.ts";
import {
  readRequestedUncordon,
  UNCORDON_REQUESTED_ANNOTATION,
  type RequestedUncordon,
} from "../../lock/requested-uncordon.ts";
import { objectAt, objectsAt, textAt, type JsonObject } from "../../kube/json.ts";
import type { NodeEvent } from "../events.ts";
import { BOOT_REPORT_ANNOTATION, parseBootReport, type BootReport } from "./boot-report.ts";
import type { HolderOf } from "./holders.ts";

export interface NodeState {
  readonly view: NodeView;
  readonly lock: StoredLock | undefined;
  readonly lockState: LockState;
  /** Why nobody seems to come back to the lock. */
  readonly ghost: readonly GhostSign[];
  readonly ready: boolean;
  readonly kubeletVersion: string;
  readonly bootReport: BootReport | undefined;
  readonly lastRefusal: NodeEvent | undefined;
  /** A refused uncordon that is kept until the lock goes. */
  readonly keptUncordon: RequestedUncordon | undefined;
}

export type LockState =
  | "none"
  | "held"
  | "unknown" // nobody's: not stamped by the webhook
  | "expired"
  | "rebooted" // held, and the node has rebooted since
  | "ghost"; // nobody seems to come back to it

export interface Looked {
  readonly lastRefusal: NodeEvent | undefined;
  readonly holderOf: HolderOf;
  /** By the API server's clock. */
  readonly nowMillis: number;
}

/** @throws TypeError for what is no Node. */
export function nodeStateOf(raw: JsonObject, { lastRefusal, holderOf, nowMillis }: Looked): NodeState {
  const node = parseNode(raw, "the node");
  const status = objectAt(raw, "status");
  const lock = lockOn(node);
  const readiness = readinessIn(status);
  const holder = lock?.kind === "record" ? holderOf(lock.record) : "unknown";
  const ghost = ghostSigns({ node, readiness, holder, nowMillis });
  const ready = readiness?.isReady === true;
  return {
    view: node,
    lock,
    lockState: lockStateOf(lock, node, ready, ghost),
    ghost,
    ready,
    kubeletVersion: textAt(objectAt(status, "nodeInfo"), "kubeletVersion") ?? "",
    bootReport: parseBootReport(node.annotations.get(BOOT_REPORT_ANNOTATION)),
    lastRefusal,
    keptUncordon: readRequestedUncordon(node.annotations.get(UNCORDON_REQUESTED_ANNOTATION) ?? ""),
  };
}

function lockStateOf(
  lock: StoredLock | undefined,
  view: NodeView,
  ready: boolean,
  ghost: readonly GhostSign[],
): LockState {
  if (lock === undefined) return "none";
  if (lock.kind !== "record") return "unknown";
  // An expiry alone is what its holder has asked for; of a node that is away it is one sign more.
  if (ghost.some(({ rule }) => rule !== "expired")) return "ghost";
  if (ghost.length > 0) return ready ? "expired" : "ghost";
  return hasRebooted(lock.record, view) ? "rebooted" : "held";
}

function readinessIn(status: JsonObject | undefined): Readiness | undefined {
  const found = objectsAt(status, "conditions").find((one) => textAt(one, "type") === "Ready");
  if (found === undefined) return undefined;
  const since = parseTime(textAt(found, "lastTransitionTime") ?? "");
  return { isReady: textAt(found, "status") === "True", sinceMillis: since };
}

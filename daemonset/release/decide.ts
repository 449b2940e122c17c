/**
 * Whether the reboot that a lock was for has been, so that the node's agent may end it. Pure and total.
 *
 * The proof is made of boot IDs alone. That the kubelet works in this boot needs no clock either: it writes
 * `nodeInfo.bootID` and the condition Ready in one update (kubernetes: pkg/kubelet/kubelet_node_status.go,
 * defaultNodeStatusFuncs), so a status with this boot's ID has a Ready of this boot.
 */
import { parseTime, lockOn, type LockRecord } from "../../lock/record.ts";
import { oneLine } from "../../lock/request.ts";
import { shorten } from "../../lock/shorten.ts";
import type { BootIDRead } from "../host/boot/boot-id.ts";
import type { OwnNode } from "./parse.ts";

export interface ReleaseFacts {
  readonly node: OwnNode;
  /** Of the running kernel. */
  readonly bootID: BootIDRead;
  /** When this boot began, by the API server's clock, in epoch milliseconds. */
  readonly bootBeganMillis: number;
  /** Why the passes after this boot do not say yet that the node came back clean; undefined if they do. */
  readonly unclean: string | undefined;
}

export type ReleaseVerdict =
  | { readonly kind: "not-locked" }
  /** Not by the agent, or not in this boot; looking again soon helps nothing. `reason` is for people, one line. */
  | { readonly kind: "left"; readonly rule: LeftRule; readonly reason: string }
  /** For what is still to come after the reboot. */
  | { readonly kind: "waiting"; readonly record: LockRecord; readonly reason: string }
  | { readonly kind: "release"; readonly record: LockRecord; readonly uncordon: boolean };

export type LeftRule =
  | "being-deleted"
  | "unknown-holder"
  | "other-release"
  | "other-node" // taken for an earlier node of this name
  | "boot-unknown"
  | "not-rebooted"
  | "taken-in-this-boot"; // before the kubelet had reported it

/** Records and the API server's Date have whole seconds. */
const ROUNDING_MILLIS = 2_000;

export function decideRelease({ node, bootID, bootBeganMillis, unclean }: ReleaseFacts): ReleaseVerdict {
  const { view } = node;
  const lock = lockOn(view);
  if (lock === undefined) return { kind: "not-locked" };
  if (view.deleting) return left("being-deleted", "the node is being deleted");
  if (lock.kind !== "record") return left("unknown-holder", `the lock names no holder (${shown(lock.why)})`);
  const { record } = lock;
  if (record.release !== "reboot") {
    return left("other-release", `the lock of ${shown(record.holder)} is not released by a reboot`);
  }
  if (view.uid === "" || record.nodeUID !== view.uid) {
    return left(
      "other-node",
      `the lock is for an earlier node of this name, with UID "${shown(record.nodeUID)}"`,
    );
  }
  if (bootID.kind === "unknown") return left("boot-unknown", `this boot's ID is not known: ${bootID.reason}`);
  if (record.bootID === "")
    return left("boot-unknown", "the lock was taken while the node reported no boot ID");
  if (record.bootID === bootID.bootID) {
    return left("not-rebooted", `the lock of ${shown(record.holder)} was taken in this boot`);
  }
  if (isTakenAfter(bootBeganMillis + ROUNDING_MILLIS, record, node)) {
    return left(
      "taken-in-this-boot",
      `the lock of ${shown(record.holder)} names an earlier boot, but was taken at ${record.acquiredAt}, after this one began`,
    );
  }
  const wait = waitsFor(node, bootID.bootID, unclean);
  if (wait !== undefined) return { kind: "waiting", record, reason: wait };
  return { kind: "release", record, uncordon: view.unschedulable && !record.wasUnschedulable };
}

/**
 * A lock that is taken after a reboot, but before the kubelet has reported it, carries the boot ID from before. Only
 * time can tell, and a clock may be wrong: so both must say it, the webhook's, which stamped the record, and the API
 * server's, which dates each write of the field's owner (and moves on with that owner's later writes).
 */
function isTakenAfter(millis: number, record: LockRecord, { lockWrittenMillis }: OwnNode): boolean {
  const acquiredMillis = parseTime(record.acquiredAt) ?? Number.NEGATIVE_INFINITY;
  return acquiredMillis > millis && (lockWrittenMillis === undefined || lockWrittenMillis > millis);
}

function waitsFor({ view, ready }: OwnNode, bootID: string, unclean: string | undefined): string | undefined {
  if (view.bootID !== bootID) return "the kubelet has not reported this boot yet";
  if (ready !== "True") return `the node's condition Ready is ${ready ?? "not reported"}`;
  return unclean;
}

function left(rule: LeftRule, reason: string): ReleaseVerdict {
  return { kind: "left", rule, reason };
}

function shown(text: string): string {
  return shorten(oneLine(text), 120);
}

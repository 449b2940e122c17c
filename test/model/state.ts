/** What the model knows of one node, and of the world around it. */
import type { decideRelease } from "../../daemonset/release/decide.ts";
import type { decide } from "../../lock/decide.ts";
import type { judgeGate } from "../../lock/gate.ts";
import type { latch } from "../../lock/latch.ts";
import { LOCK_ANNOTATION, type NodeView } from "../../lock/node.ts";
import { UNCORDON_REQUESTED_ANNOTATION, writeRequestedUncordon } from "../../lock/requested-uncordon.ts";
import type { Tool } from "../../lock/tool.ts";

/** The decisions under test; a test may break one to see that the model notices. */
export interface Rules {
  readonly decide: typeof decide;
  readonly latch: typeof latch;
  readonly judgeGate: typeof judgeGate;
  readonly decideRelease: typeof decideRelease;
}

/** What both nodes share. */
export interface World {
  /** With it away, the API server lets the latch pass and refuses what guard and the latch for tools are asked about. */
  readonly webhookUp: boolean;
  /** 0, or 1: an hour later, when locks with a TTL have expired. */
  readonly hour: 0 | 1;
}

export interface NodeState {
  readonly exists: boolean;
  /** Counts up when the node is deleted and registered anew. */
  readonly uid: number;
  readonly lock: string | undefined;
  readonly cordoned: boolean;
  /** A refused uncordon of the adversary on the node, written by the webhook or made up. */
  readonly kept: "none" | "genuine" | "forged";
  /** The running kernel's boot, when it began, and what the kubelet last reported of it. */
  readonly boot: number;
  readonly bootHour: 0 | 1;
  readonly reported: number;
  /** The agent's passes of this boot are done. */
  readonly clean: boolean;
  /** Pods that a drain would have to move. */
  readonly pods: boolean;
  /** The tool was told by the gate that it may reboot, and is about to. */
  readonly armed: boolean;
}

export const FRESH: NodeState = {
  exists: true,
  uid: 0,
  lock: undefined,
  cordoned: false,
  kept: "none",
  boot: 0,
  bootHour: 0,
  reported: 0,
  clean: true,
  pods: true,
  armed: false,
};

export type Actor =
  | "tool"
  | "tool of the other node"
  | "rival"
  | "adversary"
  | "agent"
  | "agent of the other node"
  | "webhook"
  | "others";

export interface Step {
  readonly actor: Actor;
  readonly what: string;
  readonly next: NodeState;
  /** The API server said no; nothing has changed. */
  readonly refused: boolean;
}

export interface Bounds {
  readonly boots: number;
  readonly uids: number;
  /** Known to the webhook; the model's tool is the user "kured", its rival "rival". */
  readonly tools: readonly Tool[];
  /** What the tool may write as its lock, besides cordoning as a known tool does. */
  readonly toolLocks: readonly string[];
  /** Whether the webhook may be away. */
  readonly outages: boolean;
  /** Whether an hour may pass: without a TTL nothing depends on it. */
  readonly expires: boolean;
  /** Whether the agent's passes take their time; else a boot is clean at once. */
  readonly cleans: boolean;
  /** Whether the tool tells the gate that the lock must be its own. */
  readonly namesItself: boolean;
  /** What the adversary may write as one of its own. */
  readonly strangeLocks: readonly string[];
  /** Whether refused uncordons are kept and carried out; the adversary may write nodes, so its own are. */
  readonly carriesOut: boolean;
}

/**
 * Two states that differ in nothing that can still matter are one: when a boot began, and whether its passes are done,
 * counts for a lock from an earlier boot alone.
 */
export function canonical(state: NodeState): NodeState {
  const isSettled = state.lock === undefined || state.lock.includes(`"boot-${state.boot}"`);
  return isSettled ? { ...state, clean: true, bootHour: 0 } : state;
}

const START = Date.parse("2026-11-21T09:00:00Z");
const HOUR_MILLIS = 3_600_000;
const MINUTE_MILLIS = 60_000;

/** The n-th boot begins at the n-th minute of an hour, and whatever happens in it happens half a minute later. */
export function nowMillis({ hour }: World, { boot }: NodeState): number {
  return START + hour * HOUR_MILLIS + boot * MINUTE_MILLIS + MINUTE_MILLIS / 2;
}

export function bootBeganMillis({ boot, bootHour }: NodeState): number {
  return START + bootHour * HOUR_MILLIS + boot * MINUTE_MILLIS;
}

export const KEPT = writeRequestedUncordon({ username: "bob", groups: [] }, START) ?? "";

export function viewOf({ uid, lock, cordoned, reported, kept }: NodeState): NodeView {
  return {
    name: "n",
    uid: `uid-${uid}`,
    deleting: false,
    hasAnnotations: true,
    annotations: new Map([
      ...(lock === undefined ? [] : [[LOCK_ANNOTATION, lock] as const]),
      ...(kept === "none" ? [] : [[UNCORDON_REQUESTED_ANNOTATION, KEPT] as const]),
    ]),
    unschedulable: cordoned,
    bootID: `boot-${reported}`,
  };
}

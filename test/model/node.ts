/**
 * One node of the model: its states, what everybody may try on it, and what becomes of that. Who may do what is decided
 * by the product's own functions; here is only what the API server, the kubelet and the scheduler do around them.
 */
import { changeOf, type NodeRequest } from "../../lock/change.ts";
import { afterOverride, decide, type GuardSettings } from "../../lock/decide.ts";
import { judgeGate } from "../../lock/gate.ts";
import { latch } from "../../lock/latch.ts";
import { LOCK_ANNOTATION, OVERRIDE_ANNOTATION, type NodeView } from "../../lock/node.ts";
import type { Asker } from "../../lock/record.ts";
import { NO_TOOLS } from "../../lock/tool.ts";

/** The decisions under test; a test may break one to see that the model notices. */
export interface Rules {
  readonly decide: typeof decide;
  readonly latch: typeof latch;
  readonly judgeGate: typeof judgeGate;
}

export const REAL_RULES: Rules = { decide, latch, judgeGate };

/** What both nodes share. */
export interface World {
  /** With it away, the API server lets the latch pass and refuses what the guard is registered for. */
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
  /** The running kernel's boot, and what the kubelet last reported of it. */
  readonly boot: number;
  readonly reported: number;
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
  boot: 0,
  reported: 0,
  pods: true,
  armed: false,
};

export type Actor =
  "tool" | "tool of the other node" | "adversary" | "agent" | "agent of the other node" | "others";

export interface Step {
  readonly actor: Actor;
  readonly what: string;
  readonly next: NodeState;
}

export interface Bounds {
  readonly boots: number;
  readonly uids: number;
  /** What the tool may write as its lock. */
  readonly toolLocks: readonly string[];
  /** Whether the webhook may be away. */
  readonly outages: boolean;
  /** Whether the tool tells the gate that the lock must be its own. */
  readonly namesItself: boolean;
  /** What the adversary may write as one of its own. */
  readonly strangeLocks: readonly string[];
}

const START = Date.parse("2026-11-21T09:00:00Z");
export const nowMillis = ({ hour }: World): number => START + hour * 3_600_000;

const AGENT = "system:serviceaccount:nodelatch-system:nodelatch-agent";
const SETTINGS: GuardSettings = {
  mode: "enforce",
  onExpired: "allow",
  exemptDeleters: new Set(),
  agentUsername: AGENT,
  webhookUsername: "system:serviceaccount:nodelatch-system:nodelatch-webhook",
  acceptNodeIdentity: false,
  tools: NO_TOOLS,
};
const LATCHING = {
  tools: NO_TOOLS,
  // Neither is the model's business: it knows a node's lock and cordon alone.
  keepAutoscalersAway: false,
  carryOutUncordons: false,
  limits: { defaultTtlMillis: undefined, minTtlMillis: 1, maxTtlMillis: 7_200_000 },
};

const ASKERS: Readonly<Record<Exclude<Actor, "others">, Asker>> = {
  tool: { username: "kured", node: "n" },
  "tool of the other node": { username: "kured", node: "m" },
  adversary: { username: "bob", node: undefined },
  agent: { username: AGENT, node: "n" },
  "agent of the other node": { username: AGENT, node: "m" },
};

export function viewOf({ uid, lock, cordoned, reported }: NodeState): NodeView {
  return {
    name: "n",
    uid: `uid-${uid}`,
    deleting: false,
    hasAnnotations: true,
    annotations: new Map(lock === undefined ? [] : [[LOCK_ANNOTATION, lock]]),
    unschedulable: cordoned,
    bootID: `boot-${reported}`,
  };
}

/** Everything that may happen to this node next. */
export function stepsOf(state: NodeState, world: World, bounds: Bounds, rules: Rules): readonly Step[] {
  if (!state.exists) {
    // The kubelet registers its node anew; nothing of the old object is left.
    if (state.uid + 1 >= bounds.uids) return [];
    const next = { ...FRESH, uid: state.uid + 1, boot: state.boot, reported: state.boot, pods: false };
    return [{ actor: "others", what: "the kubelet registers", next }];
  }
  const steps: Step[] = [...events(state, world, bounds, rules)];
  for (const actor of [
    "tool",
    "tool of the other node",
    "adversary",
    "agent",
    "agent of the other node",
  ] as const) {
    for (const [what, request] of requests(state, actor, bounds)) {
      const next = admit(state, world, ASKERS[actor], request, rules);
      // The tool is one process: what else it does, it does instead of rebooting.
      if (next !== undefined)
        steps.push({ actor, what, next: actor === "tool" ? { ...next, armed: false } : next });
    }
  }
  return steps;
}

function* events(state: NodeState, world: World, bounds: Bounds, rules: Rules): Generator<Step> {
  const others = (what: string, change: Partial<NodeState>): Step => ({
    actor: "others",
    what,
    next: { ...state, ...change },
  });
  const rebooted = { boot: state.boot + 1, armed: false };
  if (!state.cordoned && !state.pods) yield others("a pod is scheduled", { pods: true });
  if (state.pods) yield others("its pods go", { pods: false });
  if (state.reported !== state.boot) yield others("the kubelet reports its boot", { reported: state.boot });
  if (state.boot + 1 >= bounds.boots) return;
  yield others("the power fails", rebooted);
  if (state.armed) {
    yield { actor: "tool", what: "reboot", next: { ...state, ...rebooted } };
    return;
  }
  const pods = state.pods
    ? [
        {
          namespace: "d",
          name: "p",
          controllerKind: "ReplicaSet",
          mirror: false,
          phase: "Running",
          boundMillis: 0,
          toleratesCordon: false,
        },
      ]
    : [];
  const facts = {
    node: viewOf(state),
    pods,
    bootID: `boot-${state.boot}`,
    ...(bounds.namesItself ? { holder: "kured" } : {}),
    nowMillis: nowMillis(world),
  };
  if (rules.judgeGate(facts).kind === "open") {
    yield { actor: "tool", what: "the gate opens", next: { ...state, armed: true } };
  }
}

interface Wanted {
  readonly operation: "UPDATE" | "DELETE";
  readonly subresource: string;
  /** undefined leaves the lock, null removes it. */
  readonly lock?: string | null;
  readonly cordoned?: boolean;
  readonly override?: string;
}

function requests(state: NodeState, actor: Actor, bounds: Bounds): readonly (readonly [string, Wanted])[] {
  const update = (part: Omit<Wanted, "operation" | "subresource">, subresource = ""): Wanted => ({
    operation: "UPDATE",
    subresource,
    ...part,
  });
  const shapes: [string, Wanted][] = [
    ["uncordons", update({ cordoned: false })],
    ["removes the lock", update({ lock: null })],
    ["removes the lock by status", update({ lock: null }, "status")],
    ["removes the lock and uncordons", update({ lock: null, cordoned: false })],
  ];
  if (actor === "tool") {
    for (const value of bounds.toolLocks) {
      shapes.push(
        [`locks and cordons ${value}`, update({ lock: value, cordoned: true })],
        [`locks ${value}`, update({ lock: value })],
      );
    }
  }
  if (actor === "adversary") {
    for (const value of bounds.strangeLocks) {
      shapes.push(
        [`writes the lock ${value}`, update({ lock: value })],
        [`writes the lock ${value} and uncordons`, update({ lock: value, cordoned: false })],
      );
    }
    shapes.push(
      ["cordons", update({ cordoned: true })],
      ["overrides without the right", update({ override: "because" })],
      ["deletes the node", { operation: "DELETE", subresource: "" }],
    );
    // A copy of the lock as if it were its own, or this boot's.
    if (state.lock !== undefined) {
      shapes.push(
        ["forges the holder", update({ lock: state.lock.replace('"kured"', '"bob"') })],
        ["forges the boot", update({ lock: state.lock.replace(/boot-\d/, `boot-${state.boot}`) })],
      );
    }
  }
  return shapes;
}

/** What the API server makes of a request; undefined if it is refused or changes nothing. */
function admit(
  state: NodeState,
  world: World,
  asker: Asker,
  wanted: Wanted,
  rules: Rules,
): NodeState | undefined {
  const before = viewOf(state);
  const after = wanted.operation === "DELETE" ? null : applied(before, wanted);
  const request: NodeRequest = { ...wanted, old: before, node: after };
  const change = changeOf(request);
  if (!world.webhookUp) {
    // guard.yaml asks about exactly these, and failurePolicy Fail refuses them alone; the latch is skipped.
    if (!["none", "acquire", "cordon"].includes(change.kind)) return undefined;
    return stored(state, after);
  }
  const latched = rules.latch({ change, before, after }, asker, nowMillis(world), LATCHING);
  if (latched.kind === "refuse") return undefined;
  const stamped = after !== null && latched.kind === "set" ? annotated(after, latched.annotations) : after;
  const decision = rules.decide(changeOf({ ...request, node: stamped }), asker, nowMillis(world), SETTINGS);
  const settled =
    decision.kind === "ask-override"
      ? afterOverride(decision, { kind: "denied", reason: "no such right" })
      : decision;
  return settled.kind === "allow" ? stored(state, stamped) : undefined;
}

function applied(before: NodeView, { lock, cordoned, override, subresource }: Wanted): NodeView {
  const annotations = new Map<string, string | null>();
  if (lock !== undefined) annotations.set(LOCK_ANNOTATION, lock);
  if (override !== undefined) annotations.set(OVERRIDE_ANNOTATION, override);
  const changed = annotated(before, annotations);
  // nodes/status takes no spec.
  return subresource === "status" ? changed : { ...changed, unschedulable: cordoned ?? before.unschedulable };
}

function annotated(view: NodeView, changes: ReadonlyMap<string, string | null>): NodeView {
  const annotations = new Map(view.annotations);
  for (const [key, value] of changes) {
    if (value === null) annotations.delete(key);
    else annotations.set(key, value);
  }
  return { ...view, annotations };
}

function stored(state: NodeState, after: NodeView | null): NodeState | undefined {
  if (after === null) return { ...state, exists: false, lock: undefined, armed: false };
  const lock = after.annotations.get(LOCK_ANNOTATION);
  if (lock === state.lock && after.unschedulable === state.cordoned) return undefined;
  return { ...state, lock, cordoned: after.unschedulable };
}

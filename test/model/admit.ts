/** What the API server and the webhook make of a request: the product's own functions, put together as the webhook does. */
import { changeOf, type Change, type NodeRequest } from "../../lock/change.ts";
import { afterOverride, type GuardSettings } from "../../lock/decide.ts";
import type { LatchDecision, LatchSettings } from "../../lock/latch.ts";
import { LOCK_ANNOTATION, OVERRIDE_ANNOTATION, type NodeView } from "../../lock/node.ts";
import type { Asker } from "../../lock/record.ts";
import { UNCORDON_REQUESTED_ANNOTATION } from "../../lock/requested-uncordon.ts";
import { askerFor, toolsByUser, type Tools } from "../../lock/tool.ts";
import { KEPT, nowMillis, viewOf, type Bounds, type NodeState, type Rules, type World } from "./state.ts";

export interface Wanted {
  readonly operation: "UPDATE" | "DELETE";
  readonly subresource: string;
  /** undefined leaves the lock, null removes it. */
  readonly lock?: string | null;
  readonly cordoned?: boolean;
  readonly override?: string;
  readonly keeps?: boolean;
}

export const AGENT = "system:serviceaccount:nodelatch-system:nodelatch-agent";
export const WEBHOOK = "system:serviceaccount:nodelatch-system:nodelatch-webhook";

export type Admitted =
  | { readonly kind: "refused" }
  /** The state as it was, if nothing has changed. */
  | { readonly kind: "stored"; readonly next: NodeState };

const REFUSED: Admitted = { kind: "refused" };

/** What of a node is left to it by a request. */
type Left = Pick<NodeState, "exists" | "lock" | "cordoned" | "kept">;

/** Remembers what it has decided: pods, passes and what the tool is about to do are nothing to it. */
export class Admission {
  readonly #rules: Rules;
  readonly #tools: Tools;
  readonly #guard: GuardSettings;
  readonly #latch: LatchSettings;
  readonly #known = new Map<string, Left | "refused">();

  constructor(bounds: Bounds, rules: Rules) {
    this.#rules = rules;
    this.#tools = toolsByUser(bounds.tools);
    this.#guard = {
      mode: "enforce",
      onExpired: "allow",
      exemptDeleters: new Set(),
      agentUsername: AGENT,
      webhookUsername: WEBHOOK,
      acceptNodeIdentity: false,
      tools: this.#tools,
    };
    this.#latch = {
      tools: this.#tools,
      // What autoscalers are told is not the model's business.
      keepAutoscalersAway: false,
      carryOutUncordons: bounds.carriesOut,
      limits: { defaultTtlMillis: undefined, minTtlMillis: 1, maxTtlMillis: 7_200_000 },
    };
  }

  admit(state: NodeState, world: World, sender: Asker, wanted: Wanted): Admitted {
    const { uid, lock, cordoned, kept, boot, reported } = state;
    const key = JSON.stringify([world, sender, wanted, uid, lock, cordoned, kept, boot, reported]);
    let left = this.#known.get(key);
    if (left === undefined) {
      left = this.#decide(state, world, sender, wanted);
      this.#known.set(key, left);
    }
    if (left === "refused") return REFUSED;
    const isAsBefore = left.exists && left.lock === lock && left.cordoned === cordoned && left.kept === kept;
    if (isAsBefore) return { kind: "stored", next: state };
    return { kind: "stored", next: { ...state, ...left, armed: left.exists && state.armed } };
  }

  #decide(state: NodeState, world: World, sender: Asker, wanted: Wanted): Left | "refused" {
    const { latch, decide } = this.#rules;
    const asker = askerFor(sender.username, sender.node, this.#tools);
    const now = nowMillis(world, state);
    const before = viewOf(state);
    const after = wanted.operation === "DELETE" ? null : applied(before, wanted);
    const request: NodeRequest = { ...wanted, old: before, node: after };
    const change = changeOf(request);
    const isByWebhook = sender.username === WEBHOOK;
    if (!world.webhookUp) {
      const isTool = this.#tools.has(sender.username);
      return isAskedAbout(change, before, after, isTool) ? "refused" : stored(state, after, isByWebhook);
    }
    const latched = latch({ ...wanted, change, before, after }, asker, now, this.#latch);
    if (latched.kind === "refuse") return "refused";
    // Nobody is asked about a kept uncordon for a request that is refused anyway.
    const isMoot = (): boolean => decide(change, asker, now, this.#guard).kind === "refuse";
    const stamped = after === null ? null : written(after, latched, isMoot);
    const decision = decide(changeOf({ ...request, node: stamped }), asker, now, this.#guard);
    const settled =
      decision.kind === "ask-override"
        ? afterOverride(decision, { kind: "denied", reason: "no such right" })
        : decision;
    return settled.kind === "allow" ? stored(state, stamped, isByWebhook) : "refused";
  }
}

/** What guard.yaml and latch-tools.yaml select fails closed; what latch.yaml selects alone passes. */
function isAskedAbout(change: Change, before: NodeView, after: NodeView | null, isTool: boolean): boolean {
  if (change.kind === "acquire") return false;
  const cordons = after !== null && !before.unschedulable && after.unschedulable;
  if (change.kind === "none" || change.kind === "cordon") return isTool && cordons;
  return true;
}

function applied(before: NodeView, { lock, cordoned, override, subresource, keeps }: Wanted): NodeView {
  const annotations = new Map<string, string | null>();
  if (lock !== undefined) annotations.set(LOCK_ANNOTATION, lock);
  if (override !== undefined) annotations.set(OVERRIDE_ANNOTATION, override);
  if (keeps !== undefined) annotations.set(UNCORDON_REQUESTED_ANNOTATION, keeps ? KEPT : null);
  const changed = annotated(before, annotations);
  // nodes/status takes no spec.
  return subresource === "status" ? changed : { ...changed, unschedulable: cordoned ?? before.unschedulable };
}

/** With the latch's patch. Whose uncordon is kept may write nodes, so it is carried out where the latch asks. */
function written(
  after: NodeView,
  latched: LatchDecision & { kind: "leave" | "set" },
  isMoot: () => boolean,
): NodeView {
  if (latched.kind === "leave") return after;
  const changed = annotated(after, latched.annotations);
  return latched.kept.kind === "ask" && !isMoot() ? { ...changed, unschedulable: false } : changed;
}

function annotated(view: NodeView, changes: ReadonlyMap<string, string | null>): NodeView {
  const annotations = new Map(view.annotations);
  for (const [key, value] of changes) {
    if (value === null) annotations.delete(key);
    else annotations.set(key, value);
  }
  return { ...view, annotations };
}

function stored(state: NodeState, after: NodeView | null, isByWebhook: boolean): Left {
  if (after === null) return { exists: false, lock: undefined, cordoned: state.cordoned, kept: "none" };
  const isKept = after.annotations.has(UNCORDON_REQUESTED_ANNOTATION);
  const made = isByWebhook ? "genuine" : "forged";
  return {
    exists: true,
    lock: after.annotations.get(LOCK_ANNOTATION),
    cordoned: after.unschedulable,
    kept: !isKept ? "none" : state.kept === "none" ? made : state.kept,
  };
}

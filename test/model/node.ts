/**
 * One node of the model: what everybody may try on it, and what becomes of that. Who may do what is decided by the
 * product's own functions; here is only what the API server, the kubelet and the scheduler do around them.
 */
import { decideRelease } from "../../daemonset/release/decide.ts";
import { decide } from "../../lock/decide.ts";
import { judgeGate } from "../../lock/gate.ts";
import { latch } from "../../lock/latch.ts";
import type { Admission } from "./admit.ts";
import { ASKERS, KEEPS, requestsOf, WRITERS } from "./requests.ts";
import { bootBeganMillis, FRESH, nowMillis, viewOf } from "./state.ts";
import type { Bounds, NodeState, Rules, Step, World } from "./state.ts";

export const REAL_RULES: Rules = { decide, latch, judgeGate, decideRelease };

/** Everything that may happen to this node next; what changes nothing is left out, but for refusals. */
export function stepsOf(
  state: NodeState,
  world: World,
  bounds: Bounds,
  rules: Rules,
  admission: Admission,
): readonly Step[] {
  if (!state.exists) {
    // The kubelet registers its node anew; nothing of the old object is left.
    if (state.uid + 1 >= bounds.uids) return [];
    const { boot, bootHour, clean } = state;
    const next = { ...FRESH, uid: state.uid + 1, boot, bootHour, clean, reported: boot, pods: false };
    return [{ actor: "others", what: "the kubelet registers", next, refused: false }];
  }
  return [
    ...events(state, world, bounds),
    ...acts(state, world, bounds, rules, admission),
    ...writes(state, world, bounds, admission),
  ];
}

function* writes(state: NodeState, world: World, bounds: Bounds, admission: Admission): Generator<Step> {
  for (const actor of WRITERS) {
    for (const [what, wanted] of requestsOf(state, actor, bounds)) {
      const admitted = admission.admit(state, world, ASKERS[actor], wanted);
      if (admitted.kind === "refused") {
        // What is refused while the webhook is away is asked again later.
        if (world.webhookUp) yield { actor, what, next: state, refused: true };
        const isUncordon = actor === "adversary" && what === "uncordons" && world.webhookUp;
        if (isUncordon && bounds.carriesOut && state.kept === "none") {
          const kept = admission.admit(state, world, ASKERS.webhook, KEEPS);
          const next = kept.kind === "stored" ? kept.next : state;
          yield { actor: "webhook", what: "keeps it", next, refused: kept.kind === "refused" };
        }
        continue;
      }
      const { next } = admitted;
      // The tool is one process: what else it does, it does instead of rebooting.
      const after = actor === "tool" ? { ...next, armed: false } : next;
      if (next !== state || (actor === "tool" && state.armed))
        yield { actor, what, next: after, refused: false };
    }
  }
}

/** What the agent and the tool do as they are programmed. */
function* acts(
  state: NodeState,
  world: World,
  bounds: Bounds,
  rules: Rules,
  admission: Admission,
): Generator<Step> {
  const node = viewOf(state);
  const verdict = rules.decideRelease({
    node: { view: node, resourceVersion: "1", ready: "True", lockWrittenMillis: undefined },
    bootID: { kind: "known", bootID: `boot-${state.boot}` },
    bootBeganMillis: bootBeganMillis(state),
    unclean: state.clean ? undefined : "the passes are under way",
  });
  if (verdict.kind === "release") {
    const wanted = { operation: "UPDATE", subresource: "", lock: null } as const;
    const whole = verdict.uncordon ? { ...wanted, cordoned: false } : wanted;
    const admitted = admission.admit(state, world, ASKERS.agent, whole);
    if (admitted.kind === "stored")
      yield { actor: "agent", what: "releases", next: admitted.next, refused: false };
    else if (world.webhookUp) yield { actor: "agent", what: "releases", next: state, refused: true };
  }
  if (state.boot + 1 >= bounds.boots) return;
  if (state.armed) {
    yield { actor: "tool", what: "reboot", next: rebooted(state, world, bounds), refused: false };
    return;
  }
  const pod = {
    namespace: "d",
    name: "p",
    controllerKind: "ReplicaSet",
    mirror: false,
    phase: "Running",
    boundMillis: 0,
    toleratesCordon: false,
  };
  const facts = {
    node,
    pods: state.pods ? [pod] : [],
    bootID: `boot-${state.boot}`,
    ...(bounds.namesItself ? { holder: "kured" } : {}),
    nowMillis: nowMillis(world, state),
  };
  if (rules.judgeGate(facts).kind === "open") {
    yield { actor: "tool", what: "the gate opens", next: { ...state, armed: true }, refused: false };
  }
}

/** What happens to a node by itself. */
function* events(state: NodeState, world: World, bounds: Bounds): Generator<Step> {
  const others = (what: string, change: Partial<NodeState>): Step => ({
    actor: "others",
    what,
    next: { ...state, ...change },
    refused: false,
  });
  if (!state.cordoned && !state.pods) yield others("a pod is scheduled", { pods: true });
  if (state.pods) yield others("its pods go", { pods: false });
  if (state.reported !== state.boot) yield others("the kubelet reports its boot", { reported: state.boot });
  if (!state.clean) yield others("the passes are done", { clean: true });
  if (state.boot + 1 < bounds.boots) yield others("the power fails", rebooted(state, world, bounds));
}

function rebooted(state: NodeState, { hour }: World, { cleans }: Bounds): NodeState {
  return { ...state, boot: state.boot + 1, bootHour: hour, clean: !cleans, armed: false };
}

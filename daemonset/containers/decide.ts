/**
 * Which containers go, and why each other one stays. Pure and total: whoever wants to know why a container was kept
 * reads `judge` from top to bottom. The table is that of docs and facts/containers.md 3, with node-observed.md 3.
 */
import type { ContainerSummary } from "../runtime/runtime.ts";
import type { History, Sightings } from "./history.ts";
import { sandboxConditionOf, type Observation, type SandboxCondition } from "./observation.ts";
import { knownDate, Sequences, type Dates } from "./sequence.ts";
import type { ContainersSettings, OwnPod, Phase, Rule } from "./settings.ts";

export type KeepReason =
  | "own-pod-unknown" // nothing at all goes
  | "running"
  | "not-kubernetes" // no pod labels
  | "own-pod"
  | "unrecognized-state"
  | "unrecognized-sandbox"
  | "foreign-sandbox" // its sandbox belongs to another pod: the lists contradict each other
  | "seen-too-briefly" // CREATED or UNKNOWN, and one look is no proof
  | "may-still-run" // UNKNOWN where removal could kill
  | "ended" // EXITED, in order: kubelet needs it for restart policies and logs
  | "date-unknown" // EXITED, superseded, but its place in the order can't be told
  | "left-to-boot" // would go by the clock rule, but not at shutdown
  | "switched-off"; // a rule applies, but the settings say no

export interface Removal {
  readonly kind: "remove";
  /** What the removal rests on. */
  readonly rule: Rule;
  readonly container: ContainerSummary;
  readonly sandbox: SandboxCondition;
  readonly sightings: Sightings;
  /** The higher attempt with an earlier date, if there is one: kubelet is wedged by this container. */
  readonly overtaken: ContainerSummary | undefined;
}

export interface Keep {
  readonly kind: "keep";
  readonly why: KeepReason;
  readonly container: ContainerSummary;
  readonly sandbox: SandboxCondition;
  readonly sightings: Sightings;
  /** With `switched-off`: the rule that would have applied. */
  readonly rule?: Rule;
}

export type Verdict = Removal | Keep;

export interface DecideContext {
  /** Under which the history knows the runtime that was observed. */
  readonly runtime: string;
  readonly phase: Phase;
  readonly settings: ContainersSettings;
  readonly own: OwnPod;
  /** Nobody creates or starts containers any more, so the short grace of a shutdown is enough. */
  readonly kubeletStopped: boolean;
  /**
   * A start that is under way is noticed before the removal, or the runtime refuses it. Otherwise time alone must prove
   * that there is none.
   */
  readonly startsAreSeen: boolean;
  /** With this observation noted already. */
  readonly history: History;
  /** What status calls said of dates that the list had lost. */
  readonly dates: Dates;
}

/** One verdict for every container of the observation, in its order. */
export function decide(observation: Observation, context: DecideContext): readonly Verdict[] {
  const sequences = new Sequences(observation, context.dates);
  return observation.containers.map((container) => {
    const sandbox = sandboxConditionOf(container, observation);
    const sightings = context.history.sightings(context.runtime, container.id);
    const overtaken = sequences.overtaken(container);
    const basis: Basis = {
      container,
      sandbox,
      sandboxPodUID: observation.sandboxes.get(container.sandboxID)?.podUID,
      sightings,
      overtaken,
      // Of two attempts without order, neither may be called stuck.
      dateMissing:
        sequences.isSuperseded(container) && knownDate(sequences.dateOf(container) ?? 0n) === undefined,
    };
    const judged = judge(basis, context);
    return judged.kind === "remove"
      ? { ...judged, container, sandbox, sightings, overtaken }
      : { ...judged, container, sandbox, sightings };
  });
}

interface Basis {
  readonly container: ContainerSummary;
  readonly sandbox: SandboxCondition;
  readonly sandboxPodUID: string | undefined;
  readonly sightings: Sightings;
  readonly overtaken: ContainerSummary | undefined;
  readonly dateMissing: boolean;
}

type Judgement =
  | { readonly kind: "remove"; readonly rule: Rule }
  | { readonly kind: "keep"; readonly why: KeepReason; readonly rule?: Rule };

const keep = (why: KeepReason): Judgement => ({ kind: "keep", why });

function judge(basis: Basis, context: DecideContext): Judgement {
  const { container, sandbox, sandboxPodUID } = basis;
  const { pod, state } = container;
  if (context.own.kind === "unknown") return keep("own-pod-unknown");
  if (state === "running") return keep("running");
  if (pod === undefined || pod.uid === "" || container.name === "") return keep("not-kubernetes");
  if (context.own.kind === "pod" && context.own.uid === pod.uid) return keep("own-pod");
  if (state === "unrecognized") return keep("unrecognized-state");
  if (sandbox === "unrecognized") return keep("unrecognized-sandbox");
  if (sandbox !== "missing" && sandboxPodUID !== pod.uid) return keep("foreign-sandbox");
  switch (state) {
    case "created":
      return judgeCreated(basis, context);
    case "unknown":
      return judgeUnknown(basis, context);
    case "exited":
      return judgeExited(basis, context);
  }
}

/** CREATED never ran, so nothing is lost but the start that may be on its way. */
function judgeCreated(basis: Basis, context: DecideContext): Judgement {
  // A NOTREADY sandbox never comes back, and the runtime refuses to start anything in it: one look is enough. That a
  // sandbox is absent could be a list cut short, so it must be absent twice.
  const oneLookIsEnough = basis.sandbox === "not-ready";
  if (!oneLookIsEnough && !neverStarts(basis.sightings, context)) return keep("seen-too-briefly");
  const rule = basis.sandbox === "ready" ? "created-in-ready-sandbox" : "created-in-dead-sandbox";
  if (context.settings.rules[rule]) return { kind: "remove", rule };
  return basis.overtaken === undefined ? off(rule) : byClock(context);
}

/** UNKNOWN may run, and the runtime stops what it removes. Only a dead sandbox says that kubelet will do the same. */
function judgeUnknown(basis: Basis, context: DecideContext): Judgement {
  if (basis.sandbox !== "not-ready") return keep("may-still-run");
  // After a boot, and at shutdown, no task is left to lose. In between a shim may only be slow to answer a runtime
  // that has just been restarted.
  if (context.phase === "steady" && !seenLongEnough(basis.sightings, context))
    return keep("seen-too-briefly");
  const rule = "unknown-in-dead-sandbox";
  return context.settings.rules[rule] ? { kind: "remove", rule } : off(rule);
}

/**
 * EXITED is never removed for being old: restart policies and logs hang on it (kubernetes#51142). Dated later than a
 * higher attempt it wedges kubelet, and both are done: it has a successor, and an ended container never runs again.
 */
function judgeExited(basis: Basis, context: DecideContext): Judgement {
  if (basis.overtaken === undefined) return keep(basis.dateMissing ? "date-unknown" : "ended");
  // It blocks nothing before the next start of kubelet, and its logs may explain the shutdown.
  if (context.phase === "shutdown") return keep("left-to-boot");
  return byClock(context);
}

function byClock(context: DecideContext): Judgement {
  const rule = "clock-inverted";
  return context.settings.rules[rule] ? { kind: "remove", rule } : off(rule);
}

function off(rule: Rule): Judgement {
  return { kind: "keep", why: "switched-off", rule };
}

/**
 * Kubelet creates and starts in one go and gives each call two minutes (facts/containers.md 1.2 A, 3), so what is still
 * CREATED after both is started by nobody.
 */
export const UNSEEN_START_MILLIS = 300_000;

/** The settings' grace, or far longer where a start would not be noticed: its container would be killed. */
function neverStarts(sightings: Sightings, context: DecideContext): boolean {
  if (!seenLongEnough(sightings, context)) return false;
  return context.startsAreSeen || sightings.spanMillis >= UNSEEN_START_MILLIS;
}

/** Never at the first sight, whatever the grace. */
function seenLongEnough(sightings: Sightings, context: DecideContext): boolean {
  const phase = context.kubeletStopped ? "shutdown" : context.phase;
  return sightings.count >= 2 && sightings.spanMillis >= context.settings.graceMillis[phase];
}

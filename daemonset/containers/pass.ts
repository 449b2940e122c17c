/** One pass over the containers of the given runtimes: look, decide, remove, report. */
import { RuntimeError, type ContainerRuntime } from "../runtime/runtime.ts";
import { apply, type ApplyRequest, type ApplySettings } from "./apply.ts";
import { futureDates } from "./clock-sign.ts";
import { askDates, datesToAsk } from "./dates.ts";
import { within } from "./deadline.ts";
import { decide, type Keep, type Removal } from "./decide.ts";
import type { History } from "./history.ts";
import { unlisted } from "./in-flight.ts";
import { observe, type Clock, type Observation } from "./observation.ts";
import type { Outcome } from "./outcome.ts";
import {
  keptCounts,
  keptExamples,
  MOST_REMOVALS,
  outcomeCounts,
  removalLine,
  shortened,
  type PassReport,
  type ReadReport,
  type RuntimeReport,
} from "./report.ts";
import type { ContainersSettings, OwnPod, Phase, Rule } from "./settings.ts";

export interface PassTarget {
  /** The same from pass to pass, e.g. the socket's path: a label may change once the runtime has said its name. */
  readonly key: string;
  readonly runtime: ContainerRuntime;
  /**
   * IDs of containers that are being made as far as anything but the runtime's lists knows (state-directory.ts,
   * reservation.ts). It is asked before the lists.
   */
  readonly suspectedCreates?: ((signal: AbortSignal) => Promise<readonly string[]>) | undefined;
  /** Whether the container has a task (state-directory.ts). */
  readonly hasTask?: ApplyRequest["hasTask"];
}

/** As pino has it. */
export interface PassLog {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}

export interface PassMetrics {
  /** Once for each runtime of each pass. */
  passed(phase: Phase, read: boolean, seconds: number): void;
  /** Once for each removal decided. */
  settled(phase: Phase, rule: Rule, outcome: Outcome["kind"]): void;
  /** How many containers of all runtimes the last pass kept, by reason. */
  kept(counts: ReadReport["kept"]): void;
}

export interface PassPorts {
  readonly clock: Clock;
  readonly sleep: ApplyRequest["sleep"];
  readonly random: () => number;
  readonly log: PassLog;
  readonly metrics: PassMetrics;
}

/** containerd listed 100 containers in 8 ms (facts/containers.md 1.3), but a node at boot is busy and cards are slow. */
export const DEFAULT_LIST_TIMEOUT_MILLIS = 10_000;

export interface PassRequest {
  readonly phase: Phase;
  readonly targets: readonly PassTarget[];
  readonly settings: ContainersSettings;
  readonly apply: ApplySettings;
  /** Longest wait for one of the lists, and for creates under way. */
  readonly listTimeoutMillis: number;
  readonly own: OwnPod;
  /** Known, not guessed: nothing answers on its health port, or its unit is inactive. */
  readonly kubeletStopped: boolean;
  /** Kept from pass to pass: what may only go when seen twice depends on it. */
  readonly history: History;
}

/**
 * Ends soon after `signal` fires, with what is left said as such. Runtimes are worked on side by side, so that one that
 * hangs does not eat the time of another. Never rejects for anything that a runtime does.
 */
export async function runPass(
  request: PassRequest,
  ports: PassPorts,
  signal: AbortSignal,
): Promise<PassReport> {
  const { phase, settings, targets, history } = request;
  const startedMillis = ports.clock.monotonicMillis();
  const startedAt = new Date(Number(ports.clock.wallNanos() / 1_000_000n)).toISOString();
  const mode = settings.modes[phase];
  if (mode === "off") return { phase, mode, startedAt, durationMillis: 0, runtimes: [] };
  history.keepRuntimes(targets.map(({ key }) => key));
  const runtimes = await Promise.all(targets.map((target) => passOver(target, request, ports, signal)));
  ports.metrics.kept(addUp(runtimes));
  return {
    phase,
    mode,
    startedAt,
    durationMillis: ports.clock.monotonicMillis() - startedMillis,
    runtimes,
  };
}

async function passOver(
  target: PassTarget,
  request: PassRequest,
  ports: PassPorts,
  signal: AbortSignal,
): Promise<RuntimeReport> {
  const startedMillis = ports.clock.monotonicMillis();
  const report = await read(target, request, ports, signal);
  const seconds = (ports.clock.monotonicMillis() - startedMillis) / 1_000;
  ports.metrics.passed(request.phase, report.kind === "read", seconds);
  if (report.kind === "unread") {
    const { failure, message } = report;
    const fields = { phase: request.phase, runtime: report.label, failure, reason: message };
    ports.log.warn(fields, "runtime not read");
  }
  return report;
}

async function read(
  target: PassTarget,
  request: PassRequest,
  ports: PassPorts,
  signal: AbortSignal,
): Promise<RuntimeReport> {
  const { runtime } = target;
  const { listTimeoutMillis } = request;
  let observation: Observation;
  let unlistedIDs: readonly string[];
  try {
    const suspected = await suspectedCreates(target, listTimeoutMillis, ports, signal);
    observation = await observe(runtime, ports.clock, listTimeoutMillis, signal);
    unlistedIDs = unlisted(suspected, observation);
  } catch (thrown) {
    const failure = thrown instanceof RuntimeError ? thrown.kind : "other";
    const message = shortened(thrown instanceof Error ? thrown.message : String(thrown));
    return { kind: "unread", key: target.key, label: runtime.label, failure, message };
  }
  const { kept, removals } = await judgeAll(observation, target, request, signal);
  const outcomes = await carryOut(removals, target, request, ports, signal);
  return {
    kind: "read",
    key: target.key,
    label: runtime.label,
    containers: observation.containers.length,
    sandboxes: observation.sandboxes.size,
    kept: keptCounts(kept),
    keptExamples: keptExamples(kept),
    outcomes: outcomeCounts(outcomes),
    removals: outcomes.slice(0, MOST_REMOVALS).map(removalLine),
    future: futureDates(observation),
    unlisted: unlistedIDs,
  };
}

async function judgeAll(
  observation: Observation,
  { key, runtime }: PassTarget,
  request: PassRequest,
  signal: AbortSignal,
): Promise<{ readonly kept: readonly Keep[]; readonly removals: readonly Removal[] }> {
  const { phase, settings, own, kubeletStopped, history } = request;
  history.note(key, observation);
  // Only the clock rule compares dates, and at shutdown it removes nothing that other rules do not.
  const lost = settings.rules["clock-inverted"] && phase !== "shutdown" ? datesToAsk(observation) : [];
  const dates = await askDates(runtime, lost, request.apply.callTimeoutMillis, signal);
  const kept: Keep[] = [];
  const removals: Removal[] = [];
  const context = { runtime: key, phase, settings, own, kubeletStopped, history, dates };
  for (const verdict of decide(observation, context)) {
    if (verdict.kind === "remove") removals.push(verdict);
    else kept.push(verdict);
  }
  return { kept, removals };
}

/** A diagnosis that can't be made must not stop the pass. */
async function suspectedCreates(
  target: PassTarget,
  timeoutMillis: number,
  ports: PassPorts,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { suspectedCreates: ask } = target;
  if (ask === undefined) return [];
  const { label } = target.runtime;
  try {
    return await within(timeoutMillis, signal, `${label}: look for creates under way`, ask);
  } catch (thrown) {
    ports.log.warn({ runtime: label, err: thrown }, "creates under way not read");
    return [];
  }
}

async function carryOut(
  removals: readonly Removal[],
  target: PassTarget,
  request: PassRequest,
  ports: PassPorts,
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  const { phase } = request;
  const onOutcome = (outcome: Outcome) => {
    ports.metrics.settled(phase, outcome.removal.rule, outcome.kind);
    logOutcome(outcome, phase, target.runtime.label, ports.log);
  };
  if (request.settings.modes[phase] === "report") {
    const outcomes = removals.map((removal): Outcome => ({ removal, kind: "would-remove" }));
    for (const outcome of outcomes) onOutcome(outcome);
    return outcomes;
  }
  return apply({
    removals,
    runtime: target.runtime,
    hasTask: target.hasTask,
    settings: request.apply,
    sleep: ports.sleep,
    random: ports.random,
    monotonicMillis: ports.clock.monotonicMillis,
    signal,
    onOutcome,
  });
}

function logOutcome(outcome: Outcome, phase: Phase, runtime: string, log: PassLog): void {
  const { id, outcome: kind, rule, reason, result } = removalLine(outcome);
  const { pod, name, attempt } = outcome.removal.container;
  const fields = {
    phase,
    runtime,
    outcome: kind,
    rule,
    reason,
    result,
    containerID: id,
    namespace: pod?.namespace,
    pod: pod?.name,
    podUID: pod?.uid,
    container: name,
    attempt,
  };
  if (kind === "failed" || kind === "left" || kind === "busy") log.warn(fields, "stuck container");
  else log.info(fields, "stuck container");
}

function addUp(runtimes: readonly RuntimeReport[]): ReadReport["kept"] {
  const sum: Record<string, number> = {};
  for (const runtime of runtimes) {
    if (runtime.kind === "unread") continue;
    for (const [why, count] of Object.entries(runtime.kept)) sum[why] = (sum[why] ?? 0) + count;
  }
  return sum;
}

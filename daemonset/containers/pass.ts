/** One pass over the containers of the given runtimes: look, decide, remove, report. */
import { RuntimeError } from "../runtime/runtime.ts";
import { apply } from "./apply.ts";
import { futureDates } from "./clock-sign.ts";
import { askDates, datesToAsk } from "./dates.ts";
import { within } from "./deadline.ts";
import { decide, type Keep, type Removal } from "./decide.ts";
import { unlisted } from "./in-flight.ts";
import { observe, type Observation } from "./observation.ts";
import type { Outcome } from "./outcome.ts";
import { logOutcome } from "./outcome-log.ts";
import type { PassPorts, PassRequest, PassTarget } from "./pass-request.ts";
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
  let unlistedIDs: readonly string[] | undefined;
  try {
    // At shutdown every moment belongs to the removals.
    const suspected =
      request.phase === "shutdown" ? undefined : await suspectedCreates(target, ports, signal);
    observation = await observe(runtime, ports.clock, listTimeoutMillis, signal);
    unlistedIDs = suspected === undefined ? undefined : unlisted(suspected, observation);
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
  { key, runtime, hasTask }: PassTarget,
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
  const startsAreSeen = hasTask !== undefined || runtime.refusesRunning === true;
  const context = { runtime: key, phase, settings, own, kubeletStopped, startsAreSeen, history, dates };
  for (const verdict of decide(observation, context)) {
    if (verdict.kind === "remove") removals.push(verdict);
    else kept.push(verdict);
  }
  return { kept, removals };
}

/** A directory on tmpfs is read in a millisecond. */
const SUSPECTS_TIMEOUT_MILLIS = 1_000;

/** A diagnosis that can't be made must not stop the pass. */
async function suspectedCreates(
  target: PassTarget,
  ports: PassPorts,
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  const { suspectedCreates: ask } = target;
  if (ask === undefined) return undefined;
  const { label } = target.runtime;
  try {
    return await within(SUSPECTS_TIMEOUT_MILLIS, signal, `${label}: look for creates under way`, ask);
  } catch (thrown) {
    ports.log.warn({ runtime: label, err: thrown }, "creates under way not read");
    return undefined;
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

function addUp(runtimes: readonly RuntimeReport[]): ReadReport["kept"] {
  const sum: Record<string, number> = {};
  for (const runtime of runtimes) {
    if (runtime.kind === "unread") continue;
    for (const [why, count] of Object.entries(runtime.kept)) sum[why] = (sum[why] ?? 0) + count;
  }
  return sum;
}

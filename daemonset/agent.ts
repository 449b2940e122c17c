/** Puts the agent together and runs it until it is told to stop. The real world comes in from main.ts. */
import { aborted } from "../program/aborted.ts";
import { createProbeServer } from "../program/probes.ts";
import { liveChecks, readyChecks } from "./checks.ts";
import { bothEnds, cniAfter } from "./cni-schedule.ts";
import { createAgentMetrics } from "./metrics.ts";
import { keepProbePort } from "./probe-port.ts";
import type { RuntimeWatch } from "./runtime/detect/watch.ts";
import { runSchedule } from "./schedule.ts";
import { assemble, viewOf, type AgentOptions } from "./parts.ts";

/** For what follows a pass over CNI state: a pass ends soon after its budget. */
const CNI_SLACK_MILLIS = 30_000;
/** A disk that hangs must not keep the agent. */
const FLUSH_MILLIS = 2_000;

/** Resolves when the agent has ended in order. Nothing that is missing ends it. */
export async function runAgent(options: AgentOptions): Promise<void> {
  const { config, world, log, term, hurry } = options;
  const over = new AbortController();
  const ended = AbortSignal.any([over.signal, hurry]);
  const metrics = createAgentMetrics(options.version);
  const parts = await assemble(options, metrics, ended);
  const dog = watchdog(options);
  const view = viewOf(options, parts, dog.lateMillis);
  metrics.show(view);
  const probes = createProbeServer({
    live: liveChecks(view),
    ready: readyChecks(view),
    registry: metrics.registry,
    log,
  });
  const host = config.bindAddress === "::" ? undefined : config.bindAddress;
  const working = Promise.all([
    keepProbePort({ server: probes, port: config.probePort, host, time: world.time, log }, ended),
    parts.network.run(ended),
    parts.guard?.run(ended),
    parts.publisher?.run(ended),
    parts.gate?.run(ended),
    parts.watch.ended,
    runSchedule(
      {
        isNewBoot: parts.boot.isNew,
        pass: async (phase) => {
          const signal = AbortSignal.any([term, ended]);
          // It may have to wait for the end of a shutdown's pass.
          dog.dueWithin(config.passBudgetMillis + config.shutdownBudgetMillis);
          const end = await parts.passes.run(phase, signal);
          dog.dueWithin(config.passBudgetMillis + CNI_SLACK_MILLIS);
          return bothEnds(end, await cniAfter(end, parts.cni.worker, signal));
        },
        onBootDone: async () => parts.boot.done(),
        onStep: dog.dueWithin,
        runtimesChanged: changes(parts.watch),
        steadyIntervalMillis: config.steadyIntervalMillis,
        steadyGraceMillis: config.steadyGraceMillis,
        time: world.time,
      },
      AbortSignal.any([term, ended]),
    ),
  ]);
  await aborted(AbortSignal.any([term, hurry]));
  if (!hurry.aborted && parts.guard !== undefined) {
    await Promise.race([parts.guard.onTerm(), aborted(hurry)]);
  }
  over.abort(new Error("the agent ends"));
  await working;
  await Promise.race([parts.journal.flush(), world.time.sleep(FLUSH_MILLIS)]);
  log.info("ended");
}

/** True once after runtimes have come or gone. */
function changes(watch: RuntimeWatch): () => boolean {
  const look = (): string =>
    watch
      .current()
      .map(({ hostPath, answers }) => `${hostPath} ${answers}`)
      .toSorted()
      .join();
  let before: string | undefined;
  return () => {
    const now = look();
    const changed = before !== undefined && before !== now;
    before = now;
    return changed;
  };
}

function watchdog({ world, config }: AgentOptions) {
  const { time } = world;
  let dueMillis = time.monotonicMillis() + config.passBudgetMillis;
  return {
    dueWithin: (millis: number) => {
      dueMillis = time.monotonicMillis() + millis;
    },
    lateMillis: () => Math.max(0, time.monotonicMillis() - dueMillis),
  };
}

/** `boot` and `shutdown`: a pass by hand, printed. */
import type { Logger } from "pino";
import { passParts, passPorts, watchNode } from "./pass-parts.ts";
import type { Config } from "./config.ts";
import type { PassMetrics } from "./containers/pass-request.ts";
import { reportText } from "./containers/report-text.ts";
import { makePasses, type PassEnd } from "./passes.ts";
import type { AgentWorld } from "./world.ts";

export interface OneShotOptions {
  readonly phase: "boot" | "shutdown";
  readonly config: Config;
  readonly world: AgentWorld;
  readonly log: Logger;
  /** One line, or several, without the last end of line. */
  readonly print: (text: string) => void;
  readonly signal: AbortSignal;
}

const NO_METRICS: PassMetrics = { passed: () => {}, settled: () => {}, kept: () => {} };

/** The program's exit code: 0 all is well, 1 something could not be read or removed. */
export async function runOnce({ phase, config, world, log, print, signal }: OneShotOptions): Promise<number> {
  const over = new AbortController();
  const watch = watchNode(config, world, over.signal);
  const parts = passParts(config, world, log);
  const passes = makePasses({
    ...parts,
    ports: { ...passPorts(world, log), metrics: NO_METRICS },
    watch,
    onEnd: (end) => print(wordsOf(end, config.output)),
  });
  const within = phase === "shutdown" ? AbortSignal.timeout(config.shutdownBudgetMillis) : over.signal;
  const ends = AbortSignal.any([signal, within]);
  try {
    let end = await passes.run(phase, ends);
    if (end.unsettled && !ends.aborted) {
      // A tenth more than the grace time: both looks take time themselves.
      await world.time.sleep(parts.settings.graceMillis[phase] * 1.1, ends);
      if (!ends.aborted) end = await passes.run(phase, ends);
    }
    return parts.own.kind !== "unknown" && isWell(end) ? 0 : 1;
  } finally {
    over.abort();
    await watch.ended;
  }
}

function isWell({ result, report }: PassEnd): boolean {
  if (result === "off") return true;
  if (result !== "read") return false;
  return (report?.runtimes ?? []).every((runtime) => {
    if (runtime.kind === "unread") return false;
    const { failed = 0, busy = 0, left = 0 } = runtime.outcomes;
    return failed + busy + left === 0;
  });
}

function wordsOf(end: PassEnd, output: "text" | "json"): string {
  const { phase, result, seconds, report } = end;
  if (output === "json") return JSON.stringify({ phase, result, seconds, ...report });
  return report === undefined ? `containers, ${phase} pass: ${result}` : reportText(report).join("\n");
}

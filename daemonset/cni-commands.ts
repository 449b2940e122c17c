/** `scan`, `clean`, `report` and `restore`: passes over CNI state by hand, printed. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";
import { watchNode } from "./pass-parts.ts";
import type { RestoreReport, RestoreWanted } from "./cni/apply/order.ts";
import { cniReportText } from "./cni/report/text.ts";
import type { CniEnd } from "./cni/worker.ts";
import { makeCniParts } from "./cni-parts.ts";
import { REPORT_FILE } from "./cni-follow-up.ts";
import type { Config } from "./config.ts";
import { reasonOf } from "./host/reason.ts";
import type { AgentWorld } from "./world.ts";

export type CniCommand = "scan" | "clean" | "report" | "restore";

export interface CniCommandOptions {
  readonly command: CniCommand;
  /** What follows `restore`: `all`, or paths as the node calls them. */
  readonly words: readonly string[];
  readonly config: Config;
  readonly world: AgentWorld;
  readonly log: Logger;
  readonly print: (text: string) => void;
  readonly signal: AbortSignal;
}

/** Runtimes are looked for; longer than this is not waited for. */
const REFRESH_MILLIS = 5_000;

/** The program's exit code: 0 all is well, 1 something could not be read, removed or put back. */
export async function runCniCommand(options: CniCommandOptions): Promise<number> {
  if (options.command === "report") return printLastReport(options);
  const { command, config, world, log, print, signal } = options;
  const over = new AbortController();
  const ends = AbortSignal.any([signal, over.signal]);
  const watch = watchNode(config, world, over.signal);
  try {
    const { worker, quarantine } = await makeCniParts({
      config: command === "scan" ? everythingReported(config) : config,
      world,
      log,
      watch,
      bootID: await world.readBootID(),
      acts: command === "clean",
      api: () => undefined,
      onEnd: () => {},
    });
    if (command === "restore") {
      const restored = await quarantine.restore(wantedOf(options.words), ends);
      print(restoredText(restored, config.output));
      return restored.left.length === 0 ? 0 : 1;
    }
    await Promise.race([watch.refresh(), world.time.sleep(REFRESH_MILLIS, ends)]);
    const end = await worker.run(ends);
    print(endText(end, config.output));
    return isWell(end) ? 0 : 1;
  } finally {
    over.abort();
    await watch.ended;
  }
}

/** What is switched off is still worth a look by whoever asks. */
function everythingReported(config: Config): Config {
  return { ...config, cniLeases: "report", cniCaches: "report", cniSandboxRepair: "report" };
}

function wantedOf(words: readonly string[]): RestoreWanted {
  return words.length === 1 && words[0] === "all" ? { kind: "all" } : { kind: "named", paths: words };
}

function restoredText({ restored, left }: RestoreReport, output: "text" | "json"): string {
  if (output === "json") return JSON.stringify({ restored, left });
  const lines = [
    ...restored.map((path) => `restored ${path}`),
    ...left.map(({ path, reason }) => `not restored ${path}: ${reason}`),
  ];
  return lines.length === 0 ? "nothing is in quarantine" : lines.join("\n");
}

function endText({ result, seconds, report }: CniEnd, output: "text" | "json"): string {
  if (output === "json") return JSON.stringify({ result, seconds, ...report });
  return report === undefined ? `CNI state: ${result}` : cniReportText(report).join("\n");
}

function isWell({ result, report }: CniEnd): boolean {
  if (result === "off") return true;
  if (result !== "done" || report === undefined) return false;
  return [...report.networks, report.caches].every(({ outcomes }) => {
    const { failed = 0, skipped = 0 } = outcomes;
    return failed + skipped === 0;
  });
}

/** Of the agent that runs, which wrote it down. */
async function printLastReport({ config, print }: CniCommandOptions): Promise<number> {
  const path = join(config.runDir, REPORT_FILE);
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, "utf8"));
  } catch (thrown) {
    print(`no report of a pass over CNI state: ${reasonOf(thrown)}; run scan instead`);
    return 1;
  }
  if (typeof value !== "object" || value === null || !("text" in value) || !("report" in value)) {
    print(`${path} is no report; run scan instead`);
    return 1;
  }
  const lines = Array.isArray(value.text) ? value.text.filter((line) => typeof line === "string") : [];
  print(config.output === "json" ? JSON.stringify(value.report) : lines.join("\n"));
  return 0;
}

/** `npm run bench -- agent-at-rest`: what the agent takes of a node on which nothing happens. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { BOOT_OFFSETS_MILLIS } from "../../daemonset/schedule.ts";
import { bundle, programs } from "../../scripts/bundle.ts";
import type { Argv } from "../../test/cluster/process/run.ts";
import type { Bench, BenchContext, BenchReport } from "../bench.ts";
import { freePorts } from "../process/free-port.ts";
import { startMeasuredServer } from "../process/measured-server.ts";
import { withPrograms, type Running } from "../process/running.ts";
import { readNodeFlags } from "./chart-command.ts";
import { measureLibraries } from "./libraries.ts";
import { AGENT_UID, BUS, INHIBIT, KUBECONFIG, NODE_NAME } from "./places.ts";
import { reportOf } from "./report.ts";
import { watchRest } from "./rest.ts";

export const agentAtRestBench: Bench = {
  name: "agent-at-rest",
  about:
    "memory and CPU of the agent on a quiet node with 100 pods, against an empty Node (about 10 minutes)",
  takes: "[--quiet=SECONDS]",
  run,
};

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PODS = 100;
const QUIET_SECONDS = 300;
/** Its passes after a boot take this long, and a little more on a busy machine. */
const BOOT_MILLIS = (BOOT_OFFSETS_MILLIS.at(-1) ?? 0) + 60_000;
const BOOT_ID = "0d3ce8a4-2b6c-4f2e-9a52-6f0f6f1f8a11";

async function run(context: BenchContext): Promise<BenchReport> {
  const quietMillis = quietMillisIn(context.words);
  const nodeFlags = await readNodeFlags();
  return withPrograms(async (running) => {
    const { folder } = running;
    await bundle({
      root: ROOT,
      outDir: join(folder, "app"),
      programs: programs.filter(({ name }) => name === "agent"),
    });
    const around = await startMeasuredServer({
      name: "surroundings",
      argv: [process.execPath, fileURLToPath(new URL("surroundings.ts", import.meta.url)), folder, `${PODS}`],
      logFile: join(folder, "surroundings.log"),
      signal: context.signal,
    });
    try {
      return await measure(running, nodeFlags, quietMillis, context);
    } finally {
      await around.stop();
    }
  });
}

/** @throws Error on anything but `--quiet=SECONDS`. */
export function quietMillisIn(words: readonly string[]): number {
  const [word = `--quiet=${QUIET_SECONDS}`, ...more] = words;
  const seconds = /^--quiet=([1-9]\d*)$/.exec(word)?.[1];
  if (seconds === undefined || more.length > 0) {
    throw new Error(`${words.join(" ")}: expected --quiet=SECONDS and nothing else`);
  }
  return Number(seconds) * 1_000;
}

async function measure(
  running: Running,
  nodeFlags: readonly string[],
  quietMillis: number,
  { log, signal }: BenchContext,
): Promise<BenchReport> {
  const [port = 0] = await freePorts(1);
  const url = `http://127.0.0.1:${port}`;
  const agent = await running.start("agent", await agentArgv(running.folder, nodeFlags, port));
  const reference = await running.start("node", [process.execPath, "-e", "setInterval(() => {}, 1e9)"]);
  log("what each library takes");
  const libraries = await measureLibraries(running, { root: ROOT, nodeFlags, signal });
  log(`the agent's passes after a boot, over ${PODS} pods`);
  await running.during(bootDone(url, AbortSignal.any([signal, AbortSignal.timeout(BOOT_MILLIS)])));
  log(`${quietMillis / 1_000} quiet seconds`);
  const pids = [agent.pid, reference.pid];
  const [ours, theirs] = await running.during(watchRest({ pids, quietMillis, url, signal }));
  if (ours === undefined || theirs === undefined) throw new Error("nothing was sampled");
  return reportOf({ agent: ours, reference: theirs, libraries, pods: PODS, quietMillis });
}

/** The chart's command, on a folder that stands for the node's root. */
async function agentArgv(folder: string, nodeFlags: readonly string[], port: number): Promise<Argv> {
  const bootID = join(folder, "proc/sys/kernel/random/boot_id");
  await mkdir(dirname(bootID), { recursive: true });
  await writeFile(bootID, `${BOOT_ID}\n`);
  return [
    process.execPath,
    ...nodeFlags,
    join(folder, "app/agent.mjs"),
    "run",
    `--node-name=${NODE_NAME}`,
    `--pod-uid=${AGENT_UID}`,
    `--host-root=${folder}`,
    `--run-dir=${join(folder, "run/nodelatch")}`,
    `--state-dir=${join(folder, "state")}`,
    `--bus-address=unix:path=${join(folder, BUS)}`,
    `--lock-command=${join(folder, INHIBIT)}`,
    `--kubeconfig=${join(folder, KUBECONFIG)}`,
    "--bind-address=127.0.0.1",
    `--probe-port=${port}`,
  ];
}

async function bootDone(url: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    await delay(2_000, undefined, { signal });
    const text = await fetch(`${url}/metrics`, { signal }).then(
      async (response) => response.text(),
      () => "",
    );
    if (/^nodelatch_agent_boot_passes_complete 1$/m.test(text)) return checkWorking(text);
  }
}

/** What rests because nothing works would be no measurement. */
function checkWorking(metrics: string): void {
  const working = [
    'runtime_up{runtime="containerd"}',
    "shutdown_lock_held",
    "system_bus_up",
    "api_up",
    "journal_saved",
  ];
  const missing = working.filter((name) => !metrics.includes(`\nnodelatch_agent_${name} 1\n`));
  if (missing.length > 0) throw new Error(`the agent does not work: ${missing.join(", ")} not 1`);
}

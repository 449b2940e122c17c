/** `npm run bench -- reboot-storm`: a thousand nodes locked and released at once, on a real kube-apiserver. */
import { homedir } from "node:os";
import { fileURLToPath } from "node:url";
import { ensurePrograms } from "../../test/cluster/programs/build.ts";
import { cacheFolder } from "../../test/cluster/programs/cache-folder.ts";
import type { Bench, BenchContext, BenchReport } from "../bench.ts";
import { shuffled } from "../figures/shuffle.ts";
import { closedLoop } from "../load/closed-loop.ts";
import { withPrograms } from "../process/running.ts";
import { cpuMillis, residentMebibytes } from "../process/usage.ts";
import { countWrong, readNodes } from "./check.ts";
import { nodeNames, SIDES, type Side } from "./fleet.ts";
import { reportOf, type Pass } from "./report.ts";
import { setStage, type Stage } from "./stage.ts";
import { PHASES, writesOf, type Phase } from "./writes.ts";

const NODES = 1_000;
const NODE_BYTES = 20_000;
/** More did not make the API server write faster. */
const CONNECTIONS = 32;
const MOST_ROUNDS = 6;
const LEAST_ROUNDS = 2;
/** No round begins later, except for the least of them: a busy machine gets fewer rounds, not a longer run. */
const MOST_MEASURED_MILLIS = 2 * 60_000;
/** Of each side in each phase: until V8 and the API server's caches have settled. */
const WARM_UP_NODES = 250;
/** Of one pass over a side. */
const MOST_MILLIS = 180_000;

export const rebootStormBench: Bench = {
  name: "reboot-storm",
  about:
    "1,000 nodes locked and released by a tool, against the same writes without Nodelatch (about 2 minutes)",
  run,
};

async function run(context: BenchContext): Promise<BenchReport> {
  const { log, signal } = context;
  const modulesFolder = fileURLToPath(new URL("../../test/cluster/programs", import.meta.url));
  const cache = cacheFolder(process.env, homedir());
  const built = await ensurePrograms({ cacheFolder: cache, modulesFolder, log, signal });
  const [etcd, apiServer] = [built.get("etcd"), built.get("kube-apiserver")];
  if (etcd === undefined || apiServer === undefined) throw new Error("no etcd or kube-apiserver");
  return withPrograms(async (running) => {
    log(`starting etcd, kube-apiserver and the webhook; creating ${2 * NODES} nodes`);
    const options = { nodes: NODES, nodeBytes: NODE_BYTES, connections: CONNECTIONS, signal };
    const stage = await setStage(running, { etcd, apiServer }, options);
    try {
      return await running.during(measure(stage, context));
    } finally {
      stage.close();
    }
  });
}

async function measure(stage: Stage, { log, signal }: BenchContext): Promise<BenchReport> {
  const once = async (nodes: number): Promise<readonly Pass[]> => {
    const passes: Pass[] = [];
    for (const phase of PHASES) {
      // All nodes of one side, then all of the other: both meet whatever else the machine does at that time.
      for (const side of shuffled(SIDES, Math.random)) {
        passes.push(await pass(stage, { side, phase, nodes, signal }));
      }
    }
    return passes;
  };
  await once(WARM_UP_NODES);
  log("warmed up");
  const rounds: (readonly Pass[])[] = [];
  const beganMillis = performance.now();
  const mayGoOn = (): boolean =>
    rounds.length < LEAST_ROUNDS || performance.now() - beganMillis < MOST_MEASURED_MILLIS;
  while (rounds.length < MOST_ROUNDS && mayGoOn()) {
    rounds.push(await once(NODES));
    log(`round ${rounds.length} of ${MOST_ROUNDS}`);
  }
  return reportOf(rounds, NODES, await residentMebibytes(stage.webhook.program.pid));
}

interface PassOptions {
  readonly side: Side;
  readonly phase: Phase;
  readonly nodes: number;
  readonly signal: AbortSignal;
}

async function pass(stage: Stage, { side, phase, nodes, signal }: PassOptions): Promise<Pass> {
  const { connections, webhook, apiServer, client } = stage;
  const left = nodeNames(side, nodes).values();
  const clients = connections.map((connection) => ({ connection, requests: writesOf(phase, left) }));
  const used = async (): Promise<readonly [number, number]> => [
    await cpuMillis(webhook.program.pid),
    await cpuMillis(apiServer.pid),
  ];
  const before = await used();
  const limits = { mostRequests: nodes, mostMillis: MOST_MILLIS, signal };
  const { elapsedMillis, latenciesMillis } = await closedLoop(clients, limits);
  const after = await used();
  if (latenciesMillis.length !== nodes) {
    throw new Error(`${phase}: only ${latenciesMillis.length} of ${nodes} nodes in ${MOST_MILLIS} ms`);
  }
  return {
    side,
    phase,
    elapsedMillis,
    latenciesMillis,
    cpuMillis: { webhook: (after[0] - before[0]) / nodes, apiServer: (after[1] - before[1]) / nodes },
    wrong: countWrong(side, phase, await readNodes(client, side), nodes),
  };
}

// `node test/fleet/main.ts [--real] [--nodes=N] [--reboots=N] [--seed=N]`: one run of the fleet, and what came of it.
// --real: on etcd and kube-apiserver as local processes, nodes being objects alone; else on the embedded API server.
import { homedir } from "node:os";
import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";
import { withPrograms } from "../../bench/process/running.ts";
import { ensurePrograms } from "../cluster/programs/build.ts";
import { cacheFolder } from "../cluster/programs/cache-folder.ts";
import type { FleetCluster } from "./cluster.ts";
import { startEmbedded } from "./embedded.ts";
import { startReal } from "./real.ts";
import { runFleet } from "./fleet.ts";

const { values } = parseArgs({
  options: {
    nodes: { type: "string", default: "1000" },
    reboots: { type: "string", default: "1000" },
    seed: { type: "string", default: `${Date.now() % 1_000_000}` },
    real: { type: "boolean", default: false },
    flag: { type: "string", multiple: true, default: [] },
  },
});
const options = {
  nodes: Number(values.nodes),
  reboots: Number(values.reboots),
  seed: Number(values.seed),
};
console.log(
  `fleet:${values.real ? " --real" : ""} --nodes=${options.nodes} --reboots=${options.reboots} --seed=${options.seed}`,
);

async function run(cluster: FleetCluster): Promise<void> {
  try {
    const begunMillis = performance.now();
    const { history, ...result } = await runFleet(cluster, options);
    for (const line of history) console.log(line);
    console.log(result, `${Math.round(performance.now() - begunMillis)} ms`);
    process.exitCode = result.violation === undefined && result.leftBehind.length === 0 ? 0 : 1;
  } finally {
    await cluster.close();
  }
}

if (values.real) {
  const { signal } = new AbortController();
  const programs = await ensurePrograms({
    cacheFolder: cacheFolder(process.env, homedir()),
    modulesFolder: fileURLToPath(new URL("../cluster/programs", import.meta.url)),
    log: console.log,
    signal,
  });
  const [etcd, apiServer] = [programs.get("etcd"), programs.get("kube-apiserver")];
  if (etcd === undefined || apiServer === undefined) throw new Error("no etcd or kube-apiserver");
  await withPrograms(async (running) =>
    run(await startReal(running, { etcd, apiServer }, values.flag, signal)),
  );
} else {
  await run(await startEmbedded(values.flag));
}

/** `npm run bench -- stale-leases`: a pass over 20,000 stale leases with caches, against `find ... -delete` of the same. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { bundle } from "../../scripts/bundle.ts";
import { runOrThrow } from "../../test/cluster/process/run.ts";
import { ensureContainerdLines } from "../../test/cluster/programs/containerd-lines.ts";
import { ensurePackages } from "../../test/cluster/programs/packages.ts";
import { CniNode, NETWORK } from "../../test/node/cni/cni-node.ts";
import { newID } from "../../test/node/cni/host-local.ts";
import { RealAgent } from "../../test/node/cni/real-agent.ts";
import { nodeParts } from "../../test/node/parts.ts";
import { withoutServices } from "../../test/node/service-policy.ts";
import { readNodeFlags } from "../agent-at-rest/chart-command.ts";
import type { Bench, BenchContext, BenchReport } from "../bench.ts";
import { reportOf, type AddLatency, type Memory, type Round } from "./report.ts";
import { makeStaleFiles } from "./stale-files.ts";

const LEASES = 20_000;
const ROUNDS = 4;
const ADDS = 15;
/** Half of them leases, half of them caches. */
const MEMORY_FILES = 100_000;
const PODS = 3;
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Those of the chart's flags that make code slower, which V8 takes at any time: the agent's code is never compiled. */
const SLOWER: ReadonlySet<string> = new Set([
  "--no-opt",
  "--no-maglev",
  "--no-sparkplug",
  "--optimize-for-size",
]);

export const staleLeasesBench: Bench = {
  name: "stale-leases",
  about: `a pass over ${LEASES} stale leases with caches, against find -delete (root; about 5 minutes)`,
  run,
};

async function run({ log, signal }: BenchContext): Promise<BenchReport> {
  if (process.geteuid?.() !== 0) throw new Error("a real containerd needs root: run this as root");
  const parts = { needer: "this bench", parts: nodeParts, log, signal };
  await withoutServices(async () => ensurePackages(parts));
  await ensureContainerdLines({ log, signal });
  const flags = await readNodeFlags();
  log(`memory of passes over ${MEMORY_FILES} leases`);
  const memory = await measureMemory(flags, signal);
  // Before any pass has run here.
  for (const flag of flags) if (SLOWER.has(flag)) setFlagsFromString(flag);
  const node = await CniNode.start();
  try {
    for (let pod = 0; pod < PODS; pod++) await node.runPod();
    const agent = new RealAgent(node);
    const adds: AddLatency[] = [{ when: "no stale lease", millis: await measureAdds(node) }];
    const rounds: Round[] = [];
    let made = 0;
    for (let index = 0; index < ROUNDS; index++) {
      // Turned around each time, so that whatever drifts drifts for both.
      const order = index % 2 === 0 ? (["find", "pass"] as const) : (["pass", "find"] as const);
      for (const side of order) {
        signal.throwIfAborted();
        makeStaleFiles({ root: join(node.disk, "cni"), network: NETWORK, count: LEASES, round: ++made });
        // What is on its way to the disk belongs to neither side.
        await runOrThrow(["sync", "-f", node.disk], { timeoutMillis: 120_000 });
        if (made === 1) adds.push({ when: `${LEASES} stale leases`, millis: await measureAdds(node) });
        rounds.push(side === "find" ? await measureFind(node) : await measurePass(node, agent));
      }
      log(`round ${index + 1} of ${ROUNDS}`);
    }
    adds.push({ when: "after a pass", millis: await measureAdds(node) });
    return reportOf({ leases: LEASES, rounds, adds, heldMillis: agent.heldMillis, memory });
  } finally {
    await node.stop();
  }
}

/** The second pass alone: the first has only seen them. */
async function measurePass(node: CniNode, agent: RealAgent): Promise<Round> {
  await agent.pass();
  agent.skipTenMinutes();
  const before = performance.now();
  const { networks, caches } = await agent.pass();
  const millis = performance.now() - before;
  const files = (networks[0]?.outcomes.moved ?? 0) + (caches.outcomes.moved ?? 0);
  if (files !== 2 * LEASES) throw new Error(`${files} files went, expected ${2 * LEASES}`);
  await rm(node.at("/var/lib/nodelatch/quarantine"), { recursive: true });
  return { side: "pass", millis, files };
}

/** The same files, and not those of the pods that live. */
async function measureFind(node: CniNode): Promise<Round> {
  const root = join(node.disk, "cni");
  const before = performance.now();
  const argv = ["find", join(root, "networks", NETWORK), join(root, "results"), "-type", "f"] as const;
  const stale = ["(", "-name", "10.6[4-9].*", "-o", "-name", `${NETWORK}-0000*`, ")", "-delete"];
  await runOrThrow([...argv, ...stale], { timeoutMillis: 120_000 });
  const millis = performance.now() - before;
  const left = (await readdir(join(root, "networks", NETWORK))).filter((name) => name.startsWith("10.6"));
  if (left.length > 0) throw new Error(`find left ${left.length} leases`);
  return { side: "find", millis, files: 2 * LEASES };
}

/** The plugin itself, started as a runtime starts it. */
async function measureAdds(node: CniNode): Promise<readonly number[]> {
  const dataDir = join(node.disk, "cni", "networks");
  const ipam = { type: "host-local", ranges: [[{ subnet: "10.213.7.0/24" }]], dataDir };
  const input = JSON.stringify({ cniVersion: "0.4.0", name: NETWORK, ipam });
  const call = async (command: string, id: string): Promise<number> => {
    const env = {
      CNI_COMMAND: command,
      CNI_CONTAINERID: id,
      CNI_NETNS: "/run/netns/none",
      CNI_IFNAME: "eth0",
      CNI_PATH: "/usr/lib/cni",
    };
    const before = performance.now();
    await runOrThrow(["/usr/lib/cni/host-local"], { timeoutMillis: 60_000, env, input });
    return performance.now() - before;
  };
  const millis: number[] = [];
  for (let add = 0; add < ADDS; add++) {
    const id = newID();
    millis.push(await call("ADD", id));
    await call("DEL", id);
  }
  return millis;
}

/** In a program that is bundled and started as the chart's agent is: flags and loaders make half of the figure. */
async function measureMemory(flags: readonly string[], signal: AbortSignal): Promise<Memory> {
  const folder = await mkdtemp(join(tmpdir(), "nodelatch-bench-memory-"));
  try {
    // Not in the process that is measured.
    for (const [name, count] of [
      ["few", 1_000],
      ["many", MEMORY_FILES / 2],
    ] as const) {
      makeStaleFiles({ root: join(folder, name, "var/lib/cni"), network: NETWORK, count, round: 1 });
    }
    const entry = "bench/stale-leases/memory-child.ts";
    await bundle({ root: ROOT, outDir: join(folder, "app"), programs: [{ name: "child", entry }] });
    const argv = [process.execPath, ...flags, "--expose-gc", join(folder, "app", "child.mjs")] as const;
    const { stdout } = await runOrThrow([...argv, folder], {
      timeoutMillis: 600_000,
      signal,
    });
    const said: unknown = JSON.parse(stdout);
    const figure = (name: string): number => {
      const value: unknown = typeof said === "object" && said !== null ? Reflect.get(said, name) : undefined;
      if (typeof value !== "number") throw new Error(`memory-child.ts: no ${name} in ${stdout}`);
      return value;
    };
    return {
      files: MEMORY_FILES,
      peakOverMebibytes: figure("peakOverMebibytes"),
      afterOverMebibytes: figure("afterOverMebibytes"),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

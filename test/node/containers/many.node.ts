/** A node with very many containers, over a real connection: what a pass holds is gone after it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { queryObjects } from "node:v8";
import { afterEach, expect, it } from "vitest";
import { openCri } from "../../../daemonset/runtime/cri.ts";
import type { ContainerRuntime } from "../../../daemonset/runtime/runtime.ts";
import { startContainerdNode } from "./containerd-node.ts";
import { fillNode } from "./fill-node.ts";
import { RealPasses } from "./real-pass.ts";

let cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.toReversed()) await cleanup();
  cleanups = [];
});

/** Lists that can be told apart from all other arrays in the heap. */
class RuntimeList<T> extends Array<T> {}
/** Collects garbage first, which takes its time. */
const aliveLists = (): number => queryObjects(RuntimeList, { format: "count" });

const passes = 8;
const warmUp = 3;

async function expectFlat(runtime: ContainerRuntime, count: number): Promise<void> {
  const aliveWhenListed: number[] = [];
  const watching: ContainerRuntime = {
    ...runtime,
    async listContainers(signal) {
      aliveWhenListed.push(aliveLists());
      return RuntimeList.from(await runtime.listContainers(signal));
    },
    listSandboxes: async (signal) => RuntimeList.from(await runtime.listSandboxes(signal)),
  };
  const looks = new RealPasses({ key: "crowd", runtime: watching });
  const heapBytes: number[] = [];
  for (let pass = 0; pass < passes; pass++) {
    // No grace time passes between them, so nothing is removed.
    const report = await looks.pass();
    expect([report.containers, report.removals]).toEqual([count, []]);
    aliveLists();
    heapBytes.push(process.memoryUsage().heapUsed);
  }
  expect([...aliveWhenListed, aliveLists()]).toEqual(Array.from({ length: passes + 1 }, () => 0));
  const grownBytes = (heapBytes.at(-1) ?? Infinity) - (heapBytes[warmUp] ?? 0);
  console.log(
    `${count} containers: heap of ${heapBytes.map((bytes) => (bytes / 1e6).toFixed(1)).join(", ")} MB`,
  );
  expect(grownBytes).toBeLessThan(2_000_000);
}

it("300 containers on containerd: no list is held twice, and memory is flat", async () => {
  const node = await startContainerdNode();
  cleanups.push(async () => node.stop());
  await fillNode(node.driver, 300);
  await expectFlat(node.runtime, 300);
});

it("3,000 containers in a runtime in memory: no list is held twice, and memory is flat", async () => {
  const folder = await mkdtemp(join(tmpdir(), "nodelatch-crowd-"));
  cleanups.push(async () => rm(folder, { recursive: true }));
  const socketPath = join(folder, "c.sock");
  const program = fileURLToPath(new URL("crowd.ts", import.meta.url));
  const crowd = spawn(process.execPath, [program, socketPath, "3000"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const gone = once(crowd, "exit");
  cleanups.push(async () => {
    crowd.kill("SIGKILL");
    await gone;
  });
  await Promise.race([once(crowd.stdout, "data"), gone]);
  const runtime = openCri({ socketPath, hostPath: socketPath });
  cleanups.push(async () => runtime.close());
  await expectFlat(runtime, 3_000);
});

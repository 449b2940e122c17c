/** A container that comes to run between the decision to remove it and the removal must live. */
import { afterEach, expect, it } from "vitest";
import { openEngine } from "../../../daemonset/runtime/engine/engine.ts";
import { somePod } from "../../../daemonset/runtime/testing/cri-scenarios.ts";
import type { ContainerdLine } from "../../cluster/programs/containerd-lines.ts";
import { startPrivateDockerd } from "../runtime/private-dockerd.ts";
import { startContainerdNode } from "./containerd-node.ts";
import { raceBatches, tally, type Race } from "./races.ts";

let cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.toReversed()) await cleanup();
  cleanups = [];
});

const seed = Number(process.env["NODELATCH_TEST_SEED"] ?? Date.now() % 1_000_000);

function expectNoneKilled(what: string, races: readonly Race[], millis: number): void {
  const counts = tally(races);
  console.log(
    `${what}: ${races.length} races in ${Math.round(millis / 1_000)} s, seed ${seed}: ${JSON.stringify(counts)}`,
  );
  expect(races.filter(({ end }) => end === "killed").map(({ says }) => says)).toEqual([]);
  expect(races.filter(({ end }) => end === "neither").map(({ says }) => says)).toEqual([]);
  // Else nothing was raced. Few races may all end one way.
  const { closeSurvived, closeRemoved } = counts;
  const close = races.length < 100 ? [closeSurvived + closeRemoved] : [closeSurvived, closeRemoved];
  for (const count of close) expect(count).toBeGreaterThan(0);
}

const containerdRaces: readonly (readonly [ContainerdLine, number])[] = [
  ["1.6", 500],
  ["1.7", 50],
  ["2.1", 50],
];

it.each(containerdRaces)("containerd %s, up to %i races: none is killed", async (line, most) => {
  const node = await startContainerdNode(line);
  cleanups.push(async () => node.stop());
  const { driver } = node;
  const pod = somePod();
  const sandboxID = await driver.runSandbox(pod, 0);
  const before = performance.now();
  const races = await raceBatches(
    {
      target: node.target,
      create: async (batch, count) =>
        Promise.all(
          Array.from({ length: count }, async (_, index) =>
            driver.createContainer(sandboxID, pod, { name: `c${index}`, attempt: batch }),
          ),
        ),
      start: async (id) => driver.startContainer(id),
      discard: async (ids) => {
        for (const id of ids) await driver.call("RemoveContainer", { container_id: id });
      },
    },
    { most, least: Math.min(most, 100), budgetMillis: 90_000, perBatch: 25, seed },
  );
  expectNoneKilled(`containerd ${line}`, races, performance.now() - before);
});

it("up to 100 races on Docker, which does not remove what runs: none is killed", async () => {
  const dockerd = await startPrivateDockerd();
  cleanups.push(async () => dockerd.stop());
  const { driver, socketPath } = dockerd;
  const runtime = openEngine({ socketPath, hostPath: socketPath, callMillis: 20_000 });
  const pod = somePod();
  const sandboxID = await driver.createSandbox(pod, 0);
  await driver.start(sandboxID);
  const before = performance.now();
  const races = await raceBatches(
    {
      target: { key: socketPath, runtime },
      create: async (batch, count) =>
        Promise.all(
          Array.from({ length: count }, async (_, index) =>
            driver.createContainer(sandboxID, pod, `c${index}`, batch),
          ),
        ),
      start: async (id) => driver.start(id),
      discard: async (ids) => {
        for (const id of ids) {
          if ((await runtime.containerState(id, AbortSignal.timeout(20_000)))?.state === "running") {
            await driver.stop(id);
          }
          await runtime.removeContainer(id, AbortSignal.timeout(20_000));
        }
      },
    },
    { most: 100, least: 40, budgetMillis: 25_000, perBatch: 10, seed },
  );
  expectNoneKilled("docker", races, performance.now() - before);
});

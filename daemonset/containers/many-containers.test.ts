/** A node with very many containers: what a pass holds is gone after it, however often it comes. */
import { queryObjects } from "node:v8";
import { expect, test } from "vitest";
import type { PassTarget } from "./pass-request.ts";
import { FakeRuntime } from "./testing/fake-runtime.ts";
import { PassKit, readReport, WALL_NANOS } from "./testing/pass-kit.ts";
import { podNamed } from "./testing/power-cut.ts";

/** Lists that can be told apart from all other arrays in the heap. */
class RuntimeList<T> extends Array<T> {}

/** Collects garbage first, which takes its time. */
const aliveLists = () => queryObjects(RuntimeList, { format: "count" });

const PASSES = 8;
const WARM_UP = 3;

/** Pods with one container each, every tenth of them CREATED in a READY sandbox, which is what has to be remembered. */
function nodeWith(count: number): FakeRuntime {
  const runtime = new FakeRuntime(WALL_NANOS);
  for (let index = 0; index < count; index++) {
    const container = runtime.create(runtime.runSandbox(podNamed(`pod-${index}`)), "app", 0);
    if (index % 10 !== 0) container.state = index % 2 === 0 ? "exited" : "running";
  }
  return runtime;
}

test.each([300, 3_000])("%i containers: no list is held twice, and memory is flat", async (count) => {
  const runtime = nodeWith(count);
  const aliveWhenListed: number[] = [];
  const target: PassTarget = {
    key: "fake",
    runtime: {
      label: runtime.label,
      version: async () => runtime.version(),
      conditions: async () => runtime.conditions(),
      containerState: async (id, signal) => runtime.containerState(id, signal),
      removeContainer: async (id, signal) => runtime.removeContainer(id, signal),
      stopSandbox: async (id) => runtime.stopSandbox(id),
      close: () => {},
      async listContainers(signal) {
        aliveWhenListed.push(aliveLists());
        return new RuntimeList(...(await runtime.listContainers(signal)));
      },
      async listSandboxes(signal) {
        return new RuntimeList(...(await runtime.listSandboxes(signal)));
      },
    },
  };
  const kit = new PassKit();
  const heapBytes: number[] = [];
  for (let pass = 0; pass < PASSES; pass++) {
    const report = readReport(await kit.pass("steady", [target]));
    expect(report.containers).toBe(count);
    runtime.calls.length = 0;
    aliveLists();
    heapBytes.push(process.memoryUsage().heapUsed);
  }
  expect([...aliveWhenListed, aliveLists()]).toEqual(Array.from({ length: PASSES + 1 }, () => 0));
  expect(kit.history.size).toBe(count / 10);
  expect((heapBytes.at(-1) ?? Infinity) - (heapBytes[WARM_UP] ?? 0)).toBeLessThan(2_000_000);
});

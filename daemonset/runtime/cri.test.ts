import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openCri, type CriRuntime } from "./cri.ts";
import type { ContainerRuntime } from "./runtime.ts";
import { openCriDriver, type CriDriver } from "./testing/cri-driver.ts";
import { criScenarios, somePod } from "./testing/cri-scenarios.ts";
import { startFakeContainerd, type FakeContainerd } from "./testing/fake-containerd.ts";
import { removeThrough } from "./through-engine.ts";

const signal = new AbortController().signal;
let folder: string;
let fake: FakeContainerd;
let runtime: CriRuntime;
let driver: CriDriver;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nodelatch-cri-"));
  const socketPath = join(folder, "c.sock");
  fake = await startFakeContainerd({ socketPath });
  // A busy machine must not bring a deadline about.
  const [callMillis, listMillis] = [60_000, 60_000];
  runtime = openCri({ socketPath, hostPath: "/run/containerd/containerd.sock", callMillis, listMillis });
  driver = openCriDriver({ socketPath, image: "test" });
});

afterEach(async () => {
  runtime.close();
  driver.close();
  fake.close();
  await rm(folder, { recursive: true });
});

describe("a CRI runtime", () => {
  it.each(criScenarios)("$name", async ({ expectRight }) => {
    await expectRight({ runtime, driver, signal });
  });
});

async function createdContainer(): Promise<string> {
  const pod = somePod();
  return driver.createContainer(await driver.runSandbox(pod, 0), pod, { name: "app", attempt: 0 });
}

describe("states that are not what they seem", () => {
  it.each([
    ["a state from the future", { state: 9 }, "unrecognized"],
    ["a negative state", { state: -1 }, "unrecognized"],
    ["UNKNOWN without a date (a zero-byte status file)", { state: 3, createdAtNanos: 0n }, "unknown"],
    ["CREATED without a date", { createdAtNanos: 0n }, "unrecognized"],
    ["CREATED, dated before 1970", { createdAtNanos: -5n }, "created"],
  ])("%s", async (_name, change, expected) => {
    const id = await createdContainer();
    Object.assign(fake.containers.get(id) ?? {}, change);
    const [listed] = await runtime.listContainers(signal);
    expect(listed?.state).toBe(expected);
    expect((await runtime.containerState(id, signal))?.state).toBe(expected);
  });

  it.each([
    ["a start", { startedAtNanos: 1n }],
    ["an end", { finishedAtNanos: 1n }],
  ])("CREATED with the date of %s is not taken for CREATED when read again", async (_name, change) => {
    const id = await createdContainer();
    Object.assign(fake.containers.get(id) ?? {}, change);
    expect((await runtime.containerState(id, signal))?.state).toBe("unrecognized");
  });

  it("a sandbox state from the future", async () => {
    const id = await driver.runSandbox(somePod(), 0);
    Object.assign(fake.sandboxes.get(id) ?? {}, { state: 2 });
    expect((await runtime.listSandboxes(signal))[0]?.state).toBe("unrecognized");
  });
});

describe("a container that is not surely kubelet's", () => {
  const labels = {
    "io.kubernetes.pod.uid": "u",
    "io.kubernetes.pod.namespace": "default",
    "io.kubernetes.pod.name": "web",
  };

  it.each([
    ["without metadata", { labels }],
    ["without the pod's UID", { metadata: {}, labels: { ...labels, "io.kubernetes.pod.uid": "" } }],
    [
      "without the pod's namespace",
      { metadata: {}, labels: { ...labels, "io.kubernetes.pod.namespace": "" } },
    ],
    ["without the pod's name", { metadata: {}, labels: { ...labels, "io.kubernetes.pod.name": "" } }],
  ])("%s has no pod", async (_name, config) => {
    const id = await createdContainer();
    const container = fake.containers.get(id);
    if (container === undefined) throw new Error("the fake lost its container");
    fake.containers.set(id, { ...container, config: { metadata: {}, labels } });
    expect((await runtime.listContainers(signal))[0]?.pod?.uid).toBe("u");
    fake.containers.set(id, { ...container, config });
    expect((await runtime.listContainers(signal))[0]?.pod).toBeUndefined();
    expect(await runtime.containerState(id, signal)).toMatchObject({ id, pod: undefined });
  });
});

describe("64-bit dates", () => {
  it.each([0x7fff_ffff_ffff_ffffn, -0x8000_0000_0000_0000n, 9_007_199_254_740_993n, 1n])(
    "%s is exact",
    async (createdAtNanos) => {
      const id = await createdContainer();
      Object.assign(fake.containers.get(id) ?? {}, { createdAtNanos });
      expect((await runtime.listContainers(signal))[0]?.createdAtNanos).toBe(createdAtNanos);
      expect((await runtime.containerState(id, signal))?.createdAtNanos).toBe(createdAtNanos);
    },
  );
});

describe("removal", () => {
  it("may kill what runs, and goes through Docker, which refuses that, where it can", () => {
    const cri: ContainerRuntime = runtime;
    expect(cri.refusesRunning).toBeUndefined();
    expect(removeThrough(cri, { ...cri, refusesRunning: true }).refusesRunning).toBe(true);
    expect(removeThrough(cri, cri).refusesRunning).toBe(false);
  });

  it.each(["starting", "removing"] as const)("of a container that is %s is put off", async (busy) => {
    const id = await createdContainer();
    Object.assign(fake.containers.get(id) ?? {}, { busy });
    const result = await runtime.removeContainer(id, signal);
    expect(result.kind).toBe("busy");
    expect(result).toHaveProperty("message", expect.stringContaining(`in ${busy} state`));
    expect(fake.containers.has(id)).toBe(true);
  });
});

describe("a list of 3,000 containers", () => {
  it("is read whole", async () => {
    const sandboxID = await driver.runSandbox(somePod(), 0);
    for (let number = 0; number < 3_000; number++) {
      const id = number.toString(16).padStart(64, "0");
      fake.containers.set(id, {
        id,
        sandboxID,
        config: { metadata: { name: `app${number}`, attempt: number }, labels: {} },
        reservedName: id,
        createdAtNanos: BigInt(number),
        startedAtNanos: 0n,
        finishedAtNanos: 0n,
        state: 2,
        busy: undefined,
      });
    }
    const all = await runtime.listContainers(signal);
    expect(all).toHaveLength(3_000);
    expect(all[2_999]).toMatchObject({ attempt: 2_999, createdAtNanos: 2_999n });
  });
});

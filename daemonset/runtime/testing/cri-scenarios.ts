/** What every CRI runtime must do to be of use to the agent; run against the fake and against real containerd. */
import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import type { CriRuntime } from "../cri.ts";
import type { ContainerSummary } from "../runtime.ts";
import type { CriDriver, TestPod } from "./cri-driver.ts";
import { listAt, textAt } from "./shape.ts";

export interface CriWorld {
  readonly runtime: CriRuntime;
  readonly driver: CriDriver;
  readonly signal: AbortSignal;
}

export interface CriScenario {
  /** A sentence, as a test's name. */
  readonly name: string;
  readonly expectRight: (world: CriWorld) => Promise<void>;
}

export function somePod(): TestPod {
  return { uid: randomUUID(), namespace: "default", name: "web" };
}

async function listed(world: CriWorld, id: string): Promise<ContainerSummary | undefined> {
  const all = await world.runtime.listContainers(world.signal);
  return all.find((container) => container.id === id);
}

export const criScenarios: readonly CriScenario[] = [
  {
    name: "names itself and says what is ready",
    expectRight: async ({ runtime, signal }) => {
      const { name, version } = await runtime.version(signal);
      expect(name).toBe("containerd");
      expect(version).toMatch(/^v?\d+\.\d+\.\d+/);
      expect(runtime.label).toMatch(/^containerd at \//);
      const conditions = await runtime.conditions(signal);
      expect(conditions).toMatchObject({ runtimeReady: true, networkReady: false });
      expect(conditions.message).toMatch(/^NetworkReady: .*cni/i);
    },
  },
  {
    name: "lists a sandbox with its pod, its attempt and its date to the nanosecond, READY and then not",
    expectRight: async ({ runtime, driver, signal }) => {
      const pod = somePod();
      const id = await driver.runSandbox(pod, 3);
      const seen = (await runtime.listSandboxes(signal)).find((sandbox) => sandbox.id === id);
      const items = listAt(await driver.call("ListPodSandbox", {}), "items");
      const same = items.find((item) => textAt(item, "id") === id);
      expect(seen).toEqual({
        id,
        pod,
        attempt: 3,
        state: "ready",
        createdAtNanos: BigInt(textAt(same, "created_at")),
      });
      await driver.stopSandbox(id);
      // containerd says so a moment after it has answered.
      const state = async () => (await runtime.listSandboxes(signal)).find((one) => one.id === id)?.state;
      await expect.poll(state).toBe("not-ready");
    },
  },
  {
    name: "stops a sandbox, again if it is stopped already, and one that it does not know",
    expectRight: async ({ runtime, driver, signal }) => {
      const id = await driver.runSandbox(somePod(), 0);
      const state = async () => (await runtime.listSandboxes(signal)).find((one) => one.id === id)?.state;
      expect(await state()).toBe("ready");
      expect(await runtime.stopSandbox(id, signal)).toEqual({ kind: "stopped" });
      await expect.poll(state).toBe("not-ready");
      expect(await runtime.stopSandbox(id, signal)).toEqual({ kind: "stopped" });
      expect(await runtime.stopSandbox("f".repeat(64), signal)).toEqual({ kind: "stopped" });
    },
  },
  {
    name: "follows a container from CREATED over RUNNING to EXITED, with one date to the nanosecond",
    expectRight: async (world) => {
      const { runtime, driver, signal } = world;
      const pod = somePod();
      const sandboxID = await driver.runSandbox(pod, 0);
      const id = await driver.createContainer(sandboxID, pod, { name: "app", attempt: 7 });
      const items = listAt(await driver.call("ListContainers", {}), "containers");
      const same = items.find((item) => textAt(item, "id") === id);
      const createdAtNanos = BigInt(textAt(same, "created_at"));
      expect(createdAtNanos % 1_000n).not.toBe(0n);
      const created = { id, pod, name: "app", attempt: 7, state: "created", createdAtNanos };
      expect(await listed(world, id)).toEqual({ ...created, sandboxID });
      expect(await runtime.containerState(id, signal)).toEqual(created);
      await driver.startContainer(id);
      expect(await runtime.containerState(id, signal)).toEqual({ ...created, state: "running" });
      await driver.stopContainer(id);
      expect(await runtime.containerState(id, signal)).toEqual({ ...created, state: "exited" });
      expect((await listed(world, id))?.state).toBe("exited");
    },
  },
  {
    name: "removes a CREATED container whose name then is free again; a second removal finds nothing to do",
    expectRight: async ({ runtime, driver, signal }) => {
      const pod = somePod();
      const sandboxID = await driver.runSandbox(pod, 0);
      const id = await driver.createContainer(sandboxID, pod, { name: "app", attempt: 0 });
      const again = driver.createContainer(sandboxID, pod, { name: "app", attempt: 0 });
      await expect(again).rejects.toThrow(`is reserved for "${id}"`);
      expect(await runtime.removeContainer(id, signal)).toEqual({ kind: "removed" });
      expect(await runtime.containerState(id, signal)).toBeUndefined();
      expect((await runtime.removeContainer(id, signal)).kind).toMatch(/^(?:removed|gone)$/);
      const second = await driver.createContainer(sandboxID, pod, { name: "app", attempt: 0 });
      expect(second).not.toBe(id);
    },
  },
  {
    name: "lists a container without kubelet's labels as nobody's",
    expectRight: async (world) => {
      const pod = somePod();
      const sandboxID = await world.driver.runSandbox(pod, 0);
      const id = await world.driver.createContainer(sandboxID, pod, {
        name: "stranger",
        attempt: 0,
        labelled: false,
      });
      expect(await listed(world, id)).toMatchObject({ id, pod: undefined, name: "stranger" });
    },
  },
  {
    name: "knows no container of an id that was never given",
    expectRight: async ({ runtime, signal }) => {
      expect(await runtime.containerState("f".repeat(64), signal)).toBeUndefined();
    },
  },
];

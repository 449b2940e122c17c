/** What Docker must do to be of use to the agent; run against the fake and against a real dockerd. */
import { expect } from "vitest";
import { nanosOf } from "../engine/created-at.ts";
import type { ContainerRuntime } from "../runtime.ts";
import { somePod } from "./cri-scenarios.ts";
import type { EngineDriver } from "./engine-driver.ts";
import { textAt } from "./shape.ts";

export interface EngineWorld {
  readonly runtime: ContainerRuntime;
  readonly driver: EngineDriver;
  readonly signal: AbortSignal;
}

export interface EngineScenario {
  readonly name: string;
  readonly expectRight: (world: EngineWorld) => Promise<void>;
}

export const engineScenarios: readonly EngineScenario[] = [
  {
    name: "names itself",
    expectRight: async ({ runtime, signal }) => {
      const { name, version } = await runtime.version(signal);
      expect(name).toBe("docker");
      expect(version).toMatch(/^\d+\.\d+/);
      expect(await runtime.conditions(signal)).toMatchObject({ runtimeReady: true });
    },
  },
  {
    name: "lists a sandbox that runs as READY, one that does not as not",
    expectRight: async ({ runtime, driver, signal }) => {
      const pod = somePod();
      const id = await driver.createSandbox(pod, 2);
      const find = async () => (await runtime.listSandboxes(signal)).find((sandbox) => sandbox.id === id);
      const createdAtNanos = nanosOf(textAt(await driver.inspect(id), "Created"));
      expect(await find()).toEqual({ id, pod, attempt: 2, state: "not-ready", createdAtNanos });
      await driver.start(id);
      expect((await find())?.state).toBe("ready");
    },
  },
  {
    name: "follows a container from created over running to exited, with one date to the nanosecond",
    expectRight: async ({ runtime, driver, signal }) => {
      const pod = somePod();
      const sandboxID = await driver.createSandbox(pod, 0);
      const id = await driver.createContainer(sandboxID, pod, "app", 7);
      const find = async () =>
        (await runtime.listContainers(signal)).find((container) => container.id === id);
      const createdAtNanos = nanosOf(textAt(await driver.inspect(id), "Created"));
      const created = { id, pod, name: "app", attempt: 7, state: "created", createdAtNanos };
      expect(await find()).toEqual({ ...created, sandboxID });
      expect(await runtime.containerState(id, signal)).toEqual(created);
      await driver.start(id);
      expect(await runtime.containerState(id, signal)).toEqual({ ...created, state: "running" });
      expect((await find())?.state).toBe("running");
      await driver.stop(id);
      expect(await runtime.containerState(id, signal)).toEqual({ ...created, state: "exited" });
    },
  },
  {
    name: "removes a created container whose name then is free again; a second removal finds it gone",
    expectRight: async ({ runtime, driver, signal }) => {
      const pod = somePod();
      const sandboxID = await driver.createSandbox(pod, 0);
      const id = await driver.createContainer(sandboxID, pod, "app", 0);
      await expect(driver.createContainer(sandboxID, pod, "app", 0)).rejects.toThrow(
        `is already in use by container \\"${id}\\"`,
      );
      expect(await runtime.removeContainer(id, signal)).toEqual({ kind: "removed" });
      expect(await runtime.removeContainer(id, signal)).toEqual({ kind: "gone" });
      expect(await runtime.containerState(id, signal)).toBeUndefined();
      expect(await driver.createContainer(sandboxID, pod, "app", 0)).not.toBe(id);
    },
  },
  {
    name: "refuses to remove what runs",
    expectRight: async ({ runtime, driver, signal }) => {
      const pod = somePod();
      const id = await driver.createContainer(await driver.createSandbox(pod, 0), pod, "app", 0);
      await driver.start(id);
      expect((await runtime.removeContainer(id, signal)).kind).toBe("busy");
      expect((await runtime.containerState(id, signal))?.state).toBe("running");
    },
  },
  {
    name: "has no way to tear a sandbox's network down, and says so",
    expectRight: async ({ runtime, driver, signal }) => {
      const id = await driver.createSandbox(somePod(), 0);
      await driver.start(id);
      expect((await runtime.stopSandbox(id, signal)).kind).toBe("unsupported");
      expect((await runtime.listSandboxes(signal)).find((one) => one.id === id)?.state).toBe("ready");
    },
  },
  {
    name: "lists nothing that is not kubelet's",
    expectRight: async ({ runtime, driver, signal }) => {
      const id = await driver.createStranger(`stranger-${somePod().uid}`);
      const ids = (await runtime.listContainers(signal)).map((container) => container.id);
      expect(ids).not.toContain(id);
      expect((await runtime.containerState(id, signal))?.pod).toBeUndefined();
    },
  },
];

/** "failed to reserve container name": each way to get there, on a real containerd, before and after a pass. */
import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CriDriver, TestPod } from "../../../daemonset/runtime/testing/cri-driver.ts";
import { somePod } from "../../../daemonset/runtime/testing/cri-scenarios.ts";
import { containerdLines } from "../../cluster/programs/containerd-lines.ts";
import {
  moveCreatedAt,
  nextAttempt,
  startContainerdNode,
  statusFile,
  type ContainerdNode,
} from "./containerd-node.ts";
import { RealPasses } from "./real-pass.ts";

const hourNanos = 3_600_000_000_000n;
const signal = new AbortController().signal;
describe.each(containerdLines)("on containerd %s", (line) => {
  let node: ContainerdNode;
  let driver: CriDriver;

  beforeAll(async () => {
    node = await startContainerdNode(line);
    ({ driver } = node);
  });

  afterAll(async () => node?.stop());

  const create = async (sandboxID: string, pod: TestPod, attempt: number) =>
    driver.createContainer(sandboxID, pod, { name: "app", attempt });

  async function running(sandboxID: string, pod: TestPod, name: string): Promise<string> {
    const id = await driver.createContainer(sandboxID, pod, { name, attempt: 0 });
    await driver.startContainer(id);
    return id;
  }

  async function ended(sandboxID: string, pod: TestPod, attempt: number): Promise<string> {
    const id = await create(sandboxID, pod, attempt);
    await driver.startContainer(id);
    await driver.stopContainer(id);
    return id;
  }

  const stateOf = async (id: string) => (await node.runtime.containerState(id, signal))?.state ?? "gone";
  const lineOf = async (pass: ReturnType<RealPasses["pass"]>, id: string) => {
    const { removals, keptExamples } = await pass;
    const removal = removals.find((line) => line.id === id);
    if (removal !== undefined) return `${removal.rule}: ${removal.outcome}`;
    return keptExamples.some((line) => line.id === id) ? "kept" : "not named";
  };

  describe("a CREATED container whose kubelet died before its start", () => {
    it.each([
      ["left over", async () => {}],
      ["left over by a containerd that was killed too", async () => node.containerd.killDaemon()],
    ])(
      "%s, keeps its name in a READY sandbox until it was seen twice; what runs is let be",
      async (_, disturb) => {
        const pod = somePod();
        const sandboxID = await driver.runSandbox(pod, 0);
        const bystander = await running(sandboxID, pod, "bystander");
        const left = await create(sandboxID, pod, 0);
        await disturb();
        await expect(create(sandboxID, pod, 0)).rejects.toThrow(`is reserved for "${left}"`);
        const passes = new RealPasses(node.target);
        expect(await lineOf(passes.pass(), left)).toBe("kept");
        await expect(create(sandboxID, pod, 0)).rejects.toThrow(`is reserved for "${left}"`);
        expect(await lineOf(passes.secondPass(), left)).toBe("created-in-ready-sandbox: removed");
        const again = await create(sandboxID, pod, 0);
        await driver.startContainer(again);
        expect([await stateOf(again), await stateOf(bystander)]).toEqual(["running", "running"]);
      },
    );

    it("keeps its name over a reboot, in the pod's new sandbox too, until the first pass", async () => {
      const pod = somePod();
      const old = await driver.runSandbox(pod, 0);
      const left = await create(old, pod, 0);
      const ran = await running(old, pod, "bystander");
      await node.containerd.cutPower();
      const sandboxID = await driver.runSandbox(pod, 1);
      await expect(create(sandboxID, pod, 0)).rejects.toThrow(`is reserved for "${left}"`);
      expect(await lineOf(new RealPasses(node.target).pass(), left)).toBe("created-in-dead-sandbox: removed");
      await driver.startContainer(await create(sandboxID, pod, 0));
      // kubelet needs what ended for restart policies and logs.
      expect(await stateOf(ran)).toBe("exited");
    });

    it("in the new sandbox after a reboot goes when it was seen twice, and not before", async () => {
      const pod = somePod();
      await driver.runSandbox(pod, 0);
      await node.containerd.cutPower();
      const sandboxID = await driver.runSandbox(pod, 1);
      const left = await create(sandboxID, pod, 0);
      const passes = new RealPasses(node.target);
      expect(await lineOf(passes.pass(), left)).toBe("kept");
      expect(await lineOf(passes.pass(), left)).toBe("kept");
      expect(await stateOf(left)).toBe("created");
      expect(await lineOf(passes.secondPass(), left)).toBe("created-in-ready-sandbox: removed");
      await driver.startContainer(await create(sandboxID, pod, 0));
    });

    it("whose status file is empty after a power cut is UNKNOWN and goes at the first pass", async () => {
      const pod = somePod();
      const left = await create(await driver.runSandbox(pod, 0), pod, 0);
      await node.containerd.cutPower(async () => writeFile(statusFile(node, left), ""));
      expect(await stateOf(left)).toBe("unknown");
      const sandboxID = await driver.runSandbox(pod, 1);
      await expect(create(sandboxID, pod, 0)).rejects.toThrow(`is reserved for "${left}"`);
      expect(await lineOf(new RealPasses(node.target).pass(), left)).toBe("unknown-in-dead-sandbox: removed");
      await driver.startContainer(await create(sandboxID, pod, 0));
    });
  });

  describe("a clock that was an hour ahead wedges kubelet, which counts from the latest date, and a pass frees it", () => {
    it("with the date on the CREATED one, where a higher attempt has ended", async () => {
      const pod = somePod();
      const sandboxID = await driver.runSandbox(pod, 0);
      const left = await create(sandboxID, pod, 0);
      const second = await ended(sandboxID, pod, 1);
      await node.containerd.cutPower(async () => moveCreatedAt(node, left, hourNanos));
      const fresh = await driver.runSandbox(pod, 1);
      expect(await nextAttempt(node, pod, 1)).toBe(1);
      await expect(create(fresh, pod, 1)).rejects.toThrow(`is reserved for "${second}"`);
      expect(await lineOf(new RealPasses(node.target).pass(), left)).toBe("created-in-dead-sandbox: removed");
      expect([await nextAttempt(node, pod, 1), await stateOf(second)]).toEqual([2, "exited"]);
      await driver.startContainer(await create(fresh, pod, 2));
    });

    it("with the date on one that has ended, where its successor is CREATED (kubernetes#135762)", async () => {
      const pod = somePod();
      const sandboxID = await driver.runSandbox(pod, 0);
      const first = await ended(sandboxID, pod, 0);
      const left = await create(sandboxID, pod, 1);
      await node.containerd.cutPower(async () => moveCreatedAt(node, first, hourNanos));
      const fresh = await driver.runSandbox(pod, 1);
      expect(await nextAttempt(node, pod, 0)).toBe(1);
      await expect(create(fresh, pod, 1)).rejects.toThrow(`is reserved for "${left}"`);
      const report = new RealPasses(node.target).pass();
      expect(await lineOf(report, first)).toBe("clock-inverted: removed");
      expect(await lineOf(report, left)).toBe("created-in-dead-sandbox: removed");
      const attempt = await nextAttempt(node, pod, 0);
      const next = await create(fresh, pod, attempt);
      await driver.startContainer(next);
      expect([attempt, await stateOf(next)]).toEqual([1, "running"]);
    });
  });
});

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { probe } from "../../../daemonset/runtime/detect/probe.ts";
import { openCri, type CriRuntime } from "../../../daemonset/runtime/cri.ts";
import { openCriDriver, type CriDriver } from "../../../daemonset/runtime/testing/cri-driver.ts";
import { criScenarios, somePod } from "../../../daemonset/runtime/testing/cri-scenarios.ts";
import { containerdLines } from "../../cluster/programs/containerd-lines.ts";
import { startPrivateContainerd, testImage, type PrivateContainerd } from "./private-containerd.ts";

const signal = new AbortController().signal;
describe.each(containerdLines)("a real containerd %s", (line) => {
  let containerd: PrivateContainerd;
  let runtime: CriRuntime;
  let driver: CriDriver;

  beforeAll(async () => {
    containerd = await startPrivateContainerd(line);
    const { socketPath } = containerd;
    runtime = openCri({ socketPath, hostPath: socketPath });
    driver = openCriDriver({ socketPath, image: testImage, cgroupParent: containerd.cgroup });
  });

  afterAll(async () => {
    runtime?.close();
    driver?.close();
    await containerd?.stop();
  });

  it.each(criScenarios)("$name", async ({ expectRight }) => {
    await expectRight({ runtime, driver, signal });
  });

  it("refuses to remove what it is starting, and says so in words that mean busy", async () => {
    const pod = somePod();
    const sandboxID = await driver.runSandbox(pod, 0);
    const seen = new Set<string>();
    for (let attempt = 0; attempt < 30 && !seen.has("busy"); attempt++) {
      const id = await driver.createContainer(sandboxID, pod, { name: "race", attempt });
      const starting = driver.startContainer(id).catch(() => "refused");
      await new Promise((resolve) => setTimeout(resolve, attempt));
      const result = await runtime.removeContainer(id, signal);
      await starting;
      seen.add(result.kind);
      await runtime.removeContainer(id, signal);
    }
    expect([...seen]).toContain("busy");
  });

  it("serves its own services over the same connection, in kubelet's namespace", async () => {
    const answer = await runtime.connection.call({
      method: "/containerd.services.containers.v1.Containers/List",
      request: Buffer.alloc(0),
      metadata: { "containerd-namespace": "k8s.io" },
      deadlineMillis: 10_000,
      signal,
    });
    const sandboxes = await runtime.listSandboxes(signal);
    expect(sandboxes.length).toBeGreaterThan(0);
    for (const { id } of sandboxes) expect(answer.includes(id)).toBe(true);
  });

  it("is found by its socket under the host's root", async () => {
    const found = await probe("/c.sock", { hostRoot: containerd.folder, dockerHostPath: "/none" }, signal);
    expect(found).toMatchObject({ answers: { kind: "answers", name: "containerd" }, protocol: "cri" });
    if ("runtime" in found) found.runtime.close();
  });
});

import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { probe } from "../../../daemonset/runtime/detect/probe.ts";
import { openEngine } from "../../../daemonset/runtime/engine/engine.ts";
import type { ContainerRuntime } from "../../../daemonset/runtime/runtime.ts";
import { somePod } from "../../../daemonset/runtime/testing/cri-scenarios.ts";
import { engineScenarios } from "../../../daemonset/runtime/testing/engine-scenarios.ts";
import { startPrivateDockerd, type PrivateDockerd } from "./private-dockerd.ts";

const signal = new AbortController().signal;
let dockerd: PrivateDockerd;
let runtime: ContainerRuntime;

beforeAll(async () => {
  dockerd = await startPrivateDockerd();
  runtime = openEngine({ socketPath: dockerd.socketPath, hostPath: "/run/docker.sock" });
});

afterAll(async () => {
  await dockerd?.stop();
});

describe("a real dockerd", () => {
  it.each(engineScenarios)("$name", async ({ expectRight }) => {
    await expectRight({ runtime, driver: dockerd.driver, signal });
  });

  it("never removes a container while it starts or after: 13 races, each a little later", async () => {
    const { driver } = dockerd;
    const pod = somePod();
    const sandboxID = await driver.createSandbox(pod, 0);
    const ends: string[] = [];
    for (let attempt = 0; attempt < 13; attempt++) {
      const id = await driver.createContainer(sandboxID, pod, "race", attempt);
      const starting = driver.start(id).then(
        () => "started",
        () => "refused",
      );
      await sleep(attempt * 15);
      const removal = await runtime.removeContainer(id, signal);
      const started = await starting;
      const state = (await runtime.containerState(id, signal))?.state ?? "gone";
      ends.push(`${removal.kind}, ${started}, ${state}`);
      if (state === "running") await driver.stop(id);
    }
    // Removed before it started, or it runs: nothing in between.
    const either = /^(?:removed, refused, gone|busy, started, running)$/;
    for (const end of ends) expect(end).toMatch(either);
    expect(ends).toContain("busy, started, running");
  });

  it("is found by its socket, and its containerd is told apart from one of Kubernetes'", async () => {
    const options = { hostRoot: dockerd.folder, dockerHostPath: "/d.sock" };
    expect(await probe("/d.sock", options, signal)).toMatchObject({
      answers: { kind: "answers", name: "docker" },
      protocol: "engine",
    });
    expect(await probe("/exec/containerd/containerd.sock", options, signal)).toMatchObject({
      kind: "without-cri",
    });
  });
});

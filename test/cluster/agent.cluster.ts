import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { apiServerReturns } from "./api-server-returns.ts";
import { type Cluster, openTestCluster } from "./cluster/cluster.ts";
import { InstalledAgent } from "./installed-agent.ts";
import { installNodelatch } from "./nodelatch.ts";
import { createPod } from "./pod.ts";
import { waitFor } from "./process/wait-for.ts";

const NODE = "node1";
const SPACE = "stuck";
const BOOT_PASSES = 'nodelatch_agent_passes_total{phase="boot",result="read"}';
let cluster: Cluster;
let agent: InstalledAgent;

beforeAll(async () => {
  cluster = await openTestCluster();
  agent = new InstalledAgent(cluster, NODE);
  await installNodelatch(cluster);
  await cluster.kubectl(["create", "namespace", SPACE]);
});
afterAll(async () => {
  await cluster.tryKubectl(["delete", "namespace", SPACE, "--timeout=150s", "--force"]);
  await installNodelatch(cluster);
});

describe("the agent, installed by the chart", () => {
  test("gets ready, knows the runtime, its own pod, the address and the API server", async () => {
    await agent.install();
    const report = await agent.readyz();
    expect(report).toMatch(/\[\+\]runtimes ok: containerd \S+ at \/run\/containerd\/containerd.sock answers/);
    expect(report).toMatch(/\[\+\]own-pod ok: [0-9a-f-]{36}/);
    expect(report).toMatch(/\[\+\]addresses ok: 172\.30\.0\.11 on eth0/);
    expect(report).toContain("[+]api ok: reached");
    await installNodelatch(cluster);
  });

  test("heals a pod that is stuck on a reserved name, without a person", async () => {
    await startPod("clock");
    await endContainer("clock");
    await waitForState("clock", "restartCount 1, ready true");
    await dateLastIntoTheFuture("clock");
    await endContainer("clock");
    // Kubelet takes attempt 0 for the newest and asks for attempt 1 again and again (kubernetes#135762).
    await waitFor(
      "kubelet to be stuck",
      async () => {
        const said = await podField("clock", "{.status.containerStatuses[0].state.waiting.message}");
        return said.includes("is reserved for")
          ? { done: true, value: undefined }
          : { done: false, seen: said };
      },
      { deadlineMillis: 150_000 },
    );

    await agent.install();
    const removals = 'nodelatch_agent_removals_total{rule="clock-inverted",outcome="removed"}';
    const hasRemoved = async (): Promise<boolean> => ((await agent.metric(removals)) ?? 0) > 0;
    await waitFor(
      "the agent to remove it",
      async () => {
        if (await hasRemoved()) return { done: true, value: undefined };
        // Kubelet's own collection of attempt 1, once a minute, may come first; the next end is stuck again.
        const ready = await podField("clock", "{.status.containerStatuses[0].ready}");
        // Asked again: it is also ready once the agent has removed one.
        if (ready === "true" && !(await hasRemoved())) await endContainer("clock");
        return { done: false, seen: "no removal" };
      },
      { deadlineMillis: 300_000, intervalMillis: 1_000 },
    );
    await waitForState("clock", "ready true", 120_000);
    const events = ["get", "events", "-n", "default", "--field-selector"];
    const removed = `involvedObject.name=${NODE},reason=StuckContainerRemoved`;
    await expect
      .poll(async () => cluster.kubectl([...events, removed, "-o=jsonpath={.items[*].message}"]), {
        timeout: 120_000,
      })
      .toContain("clock");
    expect(await agent.metric(removals)).toBe(1);
  });

  test("goes on while the API server is stopped after a power cut, and through the loss of the node's address", async () => {
    await agent.install();
    await cluster.powerOff(NODE);
    await cluster.powerOn(NODE);
    await agent.waitUntilReady();
    const restarts = await agent.restarts();
    await cluster.stopApiServer();
    try {
      const before = (await agent.metric(BOOT_PASSES)) ?? 0;
      await expect
        .poll(async () => agent.metric(BOOT_PASSES), { timeout: 120_000, interval: 2_000 })
        .toBeGreaterThan(before + 1);
      const held = await cluster.exec(NODE, ["ip", "-o", "-4", "route", "show", "default"]);
      const route = held.stdout.trim().split(/\s+/).slice(0, 5);
      await cluster.exec(NODE, ["ip", "address", "flush", "dev", "eth0", "scope", "global"]);
      expect(await agent.livez()).toBe("ok");
      await cluster.exec(NODE, ["ip", "address", "add", "172.30.0.11/24", "dev", "eth0"]);
      await cluster.exec(NODE, ["ip", "route", "replace", ...route]);
    } finally {
      await apiServerReturns(cluster, NODE);
    }
    await agent.waitUntilReady();
    expect(await agent.restarts()).toBe(restarts);
  });
});

/** A pod whose container ends as soon as somebody makes /tmp/end in it. */
async function startPod(name: string): Promise<void> {
  await createPod(cluster, SPACE, name);
  await cluster.kubectl(["wait", "-n", SPACE, "--for=condition=Ready", "--timeout=150s", `pod/${name}`]);
}

async function endContainer(name: string): Promise<void> {
  // A kubelet that has just started does not know its pods yet.
  await waitFor(
    `a program to run in pod ${name}`,
    async () => {
      const touch = ["exec", "-n", SPACE, name, "--", "touch", "/tmp/end"];
      const { code, stderr } = await cluster.tryKubectl(touch);
      return code === 0 ? { done: true, value: undefined } : { done: false, seen: stderr };
    },
    { deadlineMillis: 120_000 },
  );
}

async function podField(name: string, path: string): Promise<string> {
  return cluster.kubectl(["get", "pod", name, "-n", SPACE, `-o=jsonpath=${path}`]);
}

async function waitForState(name: string, wanted: string, deadlineMillis = 150_000): Promise<void> {
  await waitFor(
    `pod ${name} with ${wanted}`,
    async () => {
      const status = "{.status.containerStatuses[0]";
      const restarts = await podField(name, `${status}.restartCount}`);
      const ready = await podField(name, `${status}.ready}`);
      const seen = `restartCount ${restarts}, ready ${ready}`;
      return seen.endsWith(wanted) ? { done: true, value: undefined } : { done: false, seen };
    },
    { deadlineMillis },
  );
}

/** What a clock that was an hour ahead when the ended container was created leaves behind. */
async function dateLastIntoTheFuture(pod: string): Promise<void> {
  const script = `
    const fs = require("node:fs");
    const root = "/var/lib/containerd/io.containerd.grpc.v1.cri/containers";
    const file = root + "/" + process.argv[1] + "/status";
    const text = fs.readFileSync(file, "utf8");
    const hour = 3600000000000n;
    const later = text.replace(/"CreatedAt":(\\d+)/, (_all, nanos) => '"CreatedAt":' + (BigInt(nanos) + hour));
    fs.writeFileSync(file, later);
    process.stdout.write(later === text ? "unchanged" : "edited");
  `;
  const terminated = await podField(pod, "{.status.containerStatuses[0].lastState.terminated.containerID}");
  const id = terminated.replace("containerd://", "");
  expect(id).toMatch(/^[0-9a-f]{64}$/);
  await cluster.service(NODE, "kubelet", "stop");
  await cluster.service(NODE, "containerd", "kill");
  expect(await cluster.exec(NODE, [process.execPath, "-e", script, id])).toMatchObject({ stdout: "edited" });
  await cluster.service(NODE, "containerd", "start");
  await cluster.service(NODE, "kubelet", "start");
}

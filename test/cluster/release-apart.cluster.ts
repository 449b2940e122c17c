/**
 * Node and API server apart: the node's clock is an hour behind, or an hour ahead, or steps from one to the other; and
 * the API server is away for a whole boot.
 */
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { apiServiceAddress } from "./config/addresses.ts";
import { type Cluster, openTestCluster } from "./cluster/cluster.ts";
import { InstalledAgent, PASSES_OFF, type Ran } from "./installed-agent.ts";
import { installNodelatch, waitUntilAnswering } from "./nodelatch.ts";
import { run } from "./process/run.ts";
import { RebootNode } from "./reboot-node.ts";
import { WrongClock } from "./wrong-clock.ts";

const NODE = "node1";
const HOUR = 3_600;
const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

let cluster: Cluster;
let agent: InstalledAgent;
let node: RebootNode;
let clock: WrongClock;

beforeAll(async () => {
  cluster = await openTestCluster();
  agent = new InstalledAgent(cluster, NODE);
  node = await RebootNode.of(cluster, NODE);
  clock = new WrongClock(cluster, NODE);
  await agent.install([
    ...PASSES_OFF,
    // One replica restarts sooner than two; and a pod's new address takes kubelet up to a minute to tell after the boot.
    "webhook.replicas=1",
    "webhook.hostNetwork=true",
    // What bob tries in vain is not to be done once the lock is gone.
    "guard.carryOutUncordons=false",
  ]);
  await clock.begin(-HOUR);
  await agent.waitUntilReady();
});
afterAll(async () => {
  await node.close();
  await clock.end();
  await installNodelatch(cluster);
});

/** `kubectl nodelatch verify` on a computer whose clock is wrong by that. */
async function verifyFromAfar(offset: "-1h" | "+1h"): Promise<Ran> {
  const argv = ["faketime", "-m", "-f", offset, process.execPath, MAIN, "verify", NODE] as const;
  const env = { KUBECONFIG: cluster.info.kubeconfig };
  const { code, stdout, stderr } = await run(argv, { timeoutMillis: 60_000, env });
  return { code: code ?? -1, out: `${stdout}${stderr}`.trim() };
}

function expectRan({ code, out }: Ran, wanted: number, words: string): void {
  expect(out).toContain(words);
  expect(code).toBe(wanted);
}

function lockFor(ttl: string): string {
  return JSON.stringify({ reason: "kernel", release: "reboot", ttl });
}

/** With this rule the agent, in the node's own network, does not reach the API server's Service; kubelet needs none. */
async function cutOffAgent(change: "add" | "del"): Promise<void> {
  const rule = ["ip", "rule", change, "iif", "lo", "to", apiServiceAddress, "unreachable"];
  const { code } = await cluster.exec(NODE, rule);
  expect(code).toBe(0);
}

async function expectStampedNow(): Promise<void> {
  const { acquiredAt } = await node.record();
  expect(Math.abs(Date.parse(String(acquiredAt)) - Date.now())).toBeLessThan(30_000);
}

test("with the node's clock an hour behind, a lock that has ended has ended", async () => {
  await node.lock(lockFor("2s"));
  await expectStampedNow();
  await delay(3_000);
  expectRan(await agent.verify(), 1, "the reboot lock of alice expired at ");
  expectRan(await verifyFromAfar("-1h"), 1, "the reboot lock of alice expired at ");
  expect(await node.strangerUncordons()).toBe(200);
  await node.unlock();
});

test("a clock that steps, to an hour ahead, ends no lock", async () => {
  await cluster.kubectl(["cordon", NODE]);
  await node.lock(lockFor("30m"));
  const drain = ["drain", NODE, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=150s"];
  await cluster.kubectl(drain, { timeoutMillis: 160_000 });
  await waitUntilAnswering(cluster);
  await clock.set(HOUR);
  expect(await node.strangerUncordons()).toBe(403);
  expectRan(await agent.verify("--wait", "30s"), 0, "open: locked by alice");
  expectRan(await verifyFromAfar("+1h"), 0, "open");
  expect(await node.record()).toMatchObject({ wasUnschedulable: true });
});

let bootBefore: string;

test("a boot without the API server, and with the clock an hour behind: locked until the API server is back, then released once", async () => {
  bootBefore = await node.bootID();
  const earlier = await node.releases();
  await clock.set(-HOUR);
  await cluster.stopApiServer();
  const end = node.besiege();
  try {
    await cluster.powerOff(NODE);
    await cluster.powerOn(NODE);
    // For the agent the API server stays away longer than for kubelet.
    await cutOffAgent("add");
    // With the passes switched off, the agent would be done in less.
    await delay(15_000);
    // kubelet keeps no list of its pods: without the API server it starts none, so there is no gate either.
    expect((await cluster.exec(NODE, ["ctr", "-n", "k8s.io", "tasks", "ls", "-q"])).stdout).toBe("");
    expect((await agent.verify()).code).toBeGreaterThan(1);
  } finally {
    await cluster.startApiServer();
  }
  // As on an edge node, which starts its pods by itself: the agent is there, the API server is not.
  await expect.poll(async () => agent.livez(), { timeout: 300_000, interval: 1_000 }).toBe("ok");
  expectRan(await agent.verify(), 75, "no answer, so don't reboot: ");
  expect(await agent.readyz()).toContain("[+]release ok: the node was not read yet");
  expect(await node.state()).toMatchObject({ cordoned: true });
  expect(await node.record()).toMatchObject({ holder: "alice", bootID: bootBefore });
  await cutOffAgent("del");
  await node.waitUntilReleased(240_000, async () => agent.readyz());
  const { through, refused } = await end();
  expect(through).toBe(0);
  expect(refused).toBeGreaterThan(0);
  expect(await node.bootID()).not.toBe(bootBefore);
  expect(await agent.metric("nodelatch_agent_locks_released")).toBe(1);
  const releases = async (): Promise<readonly string[]> =>
    (await node.releases()).filter((message) => !earlier.includes(message));
  await expect.poll(async () => (await releases()).length, { timeout: 60_000 }).toBe(1);
  expect((await releases()).join()).toContain("it is still cordoned");
});

test("with the clock an hour ahead, a lock that is taken before the kubelet has reported the boot stays", async () => {
  await clock.set(HOUR);
  await waitUntilAnswering(cluster);
  await cluster.service(NODE, "kubelet", "stop");
  try {
    await node.reportBoot(bootBefore);
    await node.lock();
  } finally {
    await cluster.service(NODE, "kubelet", "start");
  }
  expect(await node.record()).toMatchObject({ bootID: bootBefore });
  await expect.poll(async () => node.bootID(), { timeout: 150_000 }).not.toBe(bootBefore);
  // What the gate has refused the agent tells the API server, and sees its Node then.
  expectRan(await agent.verify(), 1, "it has rebooted since");
  await expect
    .poll(async () => agent.readyz(), { timeout: 150_000, interval: 1_000 })
    .toContain("the reboot lock stays: the lock of alice names an earlier boot, but was taken at ");
  expect(await node.strangerUncordons()).toBe(403);
});

/** The agent ends the lock of the only node of a cluster after a power cut, under siege, and not before. */
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Cluster, openTestCluster } from "./cluster/cluster.ts";
import { InstalledAgent } from "./installed-agent.ts";
import { installNodelatch, NAMESPACE, waitUntilAnswering } from "./nodelatch.ts";
import { RebootNode } from "./reboot-node.ts";

const NODE = "node1";

let cluster: Cluster;
let agent: InstalledAgent;
let node: RebootNode;

beforeAll(async () => {
  cluster = await openTestCluster();
  agent = new InstalledAgent(cluster, NODE);
  node = await RebootNode.of(cluster, NODE);
});
afterAll(async () => {
  await node.close();
  await installNodelatch(cluster);
});

test("a lock of this boot stays, whoever restarts the agent", async () => {
  await agent.install();
  await node.lock();
  await cluster.kubectl(["delete", "pod", "-n", NAMESPACE, "-l", "app.kubernetes.io/component=agent"]);
  await agent.waitUntilReady();
  await expect
    .poll(async () => agent.readyz(), { timeout: 150_000, interval: 1_000 })
    .toContain("[+]release ok: the reboot lock stays: the lock of alice was taken in this boot");
  expect(await node.state()).toMatchObject({ cordoned: true });
  expect(await node.record()).toMatchObject({ release: "reboot", bootID: await node.bootID() });
});

test(
  "after the power cut the lock goes once both passes are done, through a siege and an API server that is away for a minute",
  { timeout: 1_200_000 },
  async () => {
    const before = await node.bootID();
    const end = node.besiege();
    await cluster.powerOff(NODE);
    await cluster.powerOn(NODE);
    await expect
      .poll(async () => agent.readyz(), { timeout: 300_000, interval: 1_000 })
      .toContain("[+]release ok: the reboot lock waits: ");
    await cluster.stopApiServer();
    try {
      await delay(60_000);
      expect(await agent.livez()).toBe("ok");
    } finally {
      await cluster.startApiServer();
    }
    expect(await node.bootID()).not.toBe(before);
    expect(await node.state()).toMatchObject({ cordoned: true });
    await waitUntilAnswering(cluster);
    await node.waitUntilReleased(420_000, async () => agent.readyz());
    expect(await node.state()).toEqual({ lock: undefined, cordoned: false });
    const { tries, refused, through } = await end();
    expect(through).toBe(0);
    expect(refused).toBeGreaterThan(10);
    expect(tries).toBeGreaterThan(refused);
    expect(await agent.readyz()).toContain("[+]release ok: released the reboot lock of alice (kernel) from ");
    expect(await agent.metric("nodelatch_agent_boot_passes_complete")).toBe(1);
    expect(await agent.metric("nodelatch_agent_locks_released")).toBe(1);
    await expect
      .poll(async () => (await node.releases()).join(), { timeout: 60_000 })
      .toContain("it is no longer cordoned");
  },
);

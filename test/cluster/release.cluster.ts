/** The agent ends the lock of the only node of a cluster after a power cut, under siege, and not before. */
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fields, LOCK, patchNode, recordOf, stateOf } from "../scenarios/nodes.ts";
import { alice, bob } from "../scenarios/world.ts";
import { type Cluster, openTestCluster } from "./cluster/cluster.ts";
import { InstalledAgent } from "./installed-agent.ts";
import { installNodelatch, NAMESPACE, waitUntilAnswering } from "./nodelatch.ts";
import { BOTH, REBOOT, UNCORDON } from "./policies.ts";
import { waitFor } from "./process/wait-for.ts";
import { realWorld, type RealWorld } from "./real-world.ts";

const NODE = "node1";
const PASSES_OFF = [
  "agent.containers.boot=off",
  "agent.containers.steady=off",
  "agent.cni.leases=off",
  "agent.cni.caches=off",
  "agent.cni.sandboxRepair=off",
];

let cluster: Cluster;
let world: RealWorld;
let agent: InstalledAgent;

beforeAll(async () => {
  cluster = await openTestCluster();
  agent = new InstalledAgent(cluster, NODE);
  world = await realWorld(cluster);
});
afterAll(async () => {
  // Also when a test failed half way: the next file needs a node that takes pods.
  await patchNode(world, NODE, alice, BOTH);
  await installNodelatch(cluster);
  world.close();
});

const bootID = async (): Promise<string> =>
  cluster.kubectl(["get", "node", NODE, "-o=jsonpath={.status.nodeInfo.bootID}"]);

async function lock(): Promise<void> {
  const body = { spec: { unschedulable: true }, metadata: { annotations: { [LOCK]: REBOOT } } };
  expect(await patchNode(world, NODE, alice, body)).toMatchObject({ status: 200 });
}

async function lockGone(deadlineMillis: number): Promise<void> {
  await waitFor(
    "the lock to be released",
    async () => {
      const { lock: value } = await stateOf(world, NODE);
      return value === undefined
        ? { done: true, value: undefined }
        : { done: false, seen: await agent.readyz() };
    },
    { deadlineMillis, intervalMillis: 1_000 },
  );
}

const events = async (): Promise<string> =>
  cluster.kubectl([
    "get",
    "events",
    "-n",
    "default",
    "--field-selector",
    `involvedObject.name=${NODE},reason=LockReleased`,
    "-o=jsonpath={.items[*].message}",
  ]);

/** Bob uncordons each half second, whatever comes of it. Returns how often he got through a lock. */
function besiege(): () => Promise<{
  readonly tries: number;
  readonly refused: number;
  readonly through: number;
}> {
  const over = new AbortController();
  const seen = { tries: 0, refused: 0, through: 0 };
  async function siege(): Promise<void> {
    while (!over.signal.aborted) {
      seen.tries += 1;
      try {
        const { status, body } = await patchNode(world, NODE, bob, UNCORDON);
        if (status === 403) seen.refused += 1;
        // What comes back is the node after the write.
        const annotations = fields(fields(fields(body)["metadata"])["annotations"]);
        if (status === 200 && annotations[LOCK] !== undefined) seen.through += 1;
      } catch {
        // The API server is away.
      }
      await delay(500);
    }
  }
  const ended = siege();
  return async () => {
    over.abort();
    await ended;
    return seen;
  };
}

test("a lock of this boot stays, whoever restarts the agent", async () => {
  await agent.install();
  await lock();
  await cluster.kubectl(["delete", "pod", "-n", NAMESPACE, "-l", "app.kubernetes.io/component=agent"]);
  await agent.waitUntilReady();
  await expect
    .poll(async () => agent.readyz(), { timeout: 60_000, interval: 1_000 })
    .toContain("[+]release ok: the reboot lock stays: the lock of alice was taken in this boot");
  expect(await stateOf(world, NODE)).toMatchObject({ cordoned: true });
  expect(await recordOf(world, NODE)).toMatchObject({ release: "reboot", bootID: await bootID() });
});

test(
  "after the power cut the lock goes once both passes are done, through a siege and an API server that is away for a minute",
  { timeout: 900_000 },
  async () => {
    const before = await bootID();
    const end = besiege();
    await cluster.powerOff(NODE);
    await cluster.powerOn(NODE);
    await expect
      .poll(async () => agent.readyz(), { timeout: 120_000, interval: 1_000 })
      .toContain("[+]release ok: the reboot lock waits: ");
    await cluster.stopApiServer();
    try {
      await delay(60_000);
      expect(await agent.livez()).toBe("ok");
    } finally {
      await cluster.startApiServer();
    }
    expect(await bootID()).not.toBe(before);
    expect(await stateOf(world, NODE)).toMatchObject({ cordoned: true });
    await waitUntilAnswering(cluster);
    await lockGone(420_000);
    expect(await stateOf(world, NODE)).toEqual({ lock: undefined, cordoned: false });
    const { tries, refused, through } = await end();
    expect(through).toBe(0);
    expect(refused).toBeGreaterThan(10);
    expect(tries).toBeGreaterThan(refused);
    expect(await agent.readyz()).toContain("[+]release ok: released the reboot lock of alice (kernel) from ");
    expect(await agent.metric("nodelatch_agent_boot_passes_complete")).toBe(1);
    expect(await agent.metric("nodelatch_agent_locks_released")).toBe(1);
    await expect.poll(events).toContain("it is no longer cordoned");
  },
);

test(
  "a node that was cordoned before the lock is cordoned after it; passes that are switched off are not waited for",
  { timeout: 400_000 },
  async () => {
    await installNodelatch(cluster, ["agent.enabled=true", ...PASSES_OFF]);
    await cluster.kubectl(["cordon", NODE]);
    await lock();
    expect(await recordOf(world, NODE)).toMatchObject({ wasUnschedulable: true });
    await cluster.powerOff(NODE);
    await cluster.powerOn(NODE);
    await lockGone(240_000);
    expect(await stateOf(world, NODE)).toEqual({ lock: undefined, cordoned: true });
    await expect.poll(events).toContain("it is still cordoned");
    expect(await patchNode(world, NODE, bob, UNCORDON)).toMatchObject({ status: 200 });
  },
);

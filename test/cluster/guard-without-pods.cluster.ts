import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createNode, LOCK, lockedNode, messageOf, nodeInfo, patchNode, stateOf } from "../scenarios/nodes.ts";
import { kured } from "../scenarios/tool-identities.ts";
import { alice, bob, kubelet } from "../scenarios/world.ts";
import { type Cluster, openTestCluster } from "./cluster/cluster.ts";
import { installNodelatch, scaleWebhook, waitUntilAnswering } from "./nodelatch.ts";
import { realWorld, type RealWorld } from "./real-world.ts";

let cluster: Cluster;
let world: RealWorld;
let locked: string;
let open: string;

beforeAll(async () => {
  cluster = await openTestCluster();
  await installNodelatch(cluster);
  world = await realWorld(cluster);
  locked = await lockedNode(world);
  open = await createNode(world, { unschedulable: true });
  await scaleWebhook(cluster, 0);
});
afterAll(async () => {
  await scaleWebhook(cluster, 2);
  world.close();
});

describe("with every pod of the webhook killed", () => {
  test.each([
    ["uncordon", { spec: { unschedulable: null } }],
    ["strip", { metadata: { annotations: { [LOCK]: null } } }],
    ["change", { metadata: { annotations: { [LOCK]: "mine" } } }],
  ])("the API server itself refuses the %s of a locked node", async (_name, body) => {
    const before = await stateOf(world, locked);
    const answer = await patchNode(world, locked, bob, body);
    expect(answer.status).toBe(500);
    expect(messageOf(answer)).toContain('failed calling webhook "guard.nodelatch.io"');
    expect(await stateOf(world, locked)).toEqual(before);
  });

  test("and its deletion", async () => {
    const answer = await world.send({ as: bob, method: "DELETE", path: `/api/v1/nodes/${locked}` });
    expect(messageOf(answer)).toContain('failed calling webhook "guard.nodelatch.io"');
    expect(await stateOf(world, locked)).toMatchObject({ cordoned: true });
  });

  test("a node without lock is uncordoned as ever", async () => {
    expect(await patchNode(world, open, bob, { spec: { unschedulable: null } })).toMatchObject({
      status: 200,
    });
    expect(await stateOf(world, open)).toMatchObject({ cordoned: false });
  });

  test("a tool's cordon, which nobody could lock, is refused; people's passes", async () => {
    const name = await createNode(world);
    const answer = await patchNode(world, name, kured(name), { spec: { unschedulable: true } });
    expect(messageOf(answer)).toContain('failed calling webhook "latch-tools.nodelatch.io"');
    expect(await stateOf(world, name)).toMatchObject({ cordoned: false });
    expect(await patchNode(world, name, bob, { spec: { unschedulable: true } })).toMatchObject({
      status: 200,
    });
  });

  test("a lock can still be taken, by an unknown holder", async () => {
    const name = await createNode(world, { unschedulable: true });
    const answer = await patchNode(world, name, alice, {
      metadata: { annotations: { [LOCK]: "kernel update" } },
    });
    expect(answer.status).toBe(200);
    expect(await stateOf(world, name)).toMatchObject({ lock: "kernel update" });
    expect(await patchNode(world, name, bob, { spec: { unschedulable: null } })).toMatchObject({
      status: 500,
    });
  });

  test("ordinary writes work, locked or not", async () => {
    for (const name of [locked, open]) {
      for (let turn = 0; turn < 250; turn += 1) {
        const label = { metadata: { labels: { "example.com/turn": `${turn}` } } };
        const note = { metadata: { annotations: { "example.com/turn": `${turn}` } } };
        const taint = {
          spec: { taints: [{ key: "example.com/turn", value: `${turn}`, effect: "PreferNoSchedule" }] },
        };
        const status = { status: { nodeInfo: nodeInfo("boot-1") } };
        expect(await patchNode(world, name, bob, label)).toMatchObject({ status: 200 });
        expect(await patchNode(world, name, bob, note)).toMatchObject({ status: 200 });
        expect(await patchNode(world, name, bob, taint)).toMatchObject({ status: 200 });
        const beat = await patchNode(world, name, kubelet(name), status, { subresource: "status" });
        expect(beat).toMatchObject({ status: 200 });
      }
    }
  });

  test("the real node's own lease and status go on", async () => {
    const renewed = () =>
      cluster.kubectl(["get", "lease", "-n", "kube-node-lease", "node1", "-o=jsonpath={.spec.renewTime}"]);
    const before = await renewed();
    await expect.poll(renewed, { timeout: 90_000, interval: 1_000 }).not.toBe(before);
    const ready = '-o=jsonpath={.status.conditions[?(@.type=="Ready")].status}';
    expect(await cluster.kubectl(["get", "node", "node1", ready])).toBe("True");
  });
});

test("once the pods are back, the guard answers in its own words and the holder releases", async () => {
  await scaleWebhook(cluster, 2);
  await waitUntilAnswering(cluster);
  const refused = await patchNode(world, locked, bob, { spec: { unschedulable: null } });
  expect(messageOf(refused)).toContain(`node ${locked} is locked for reboot by alice`);
  expect(
    await patchNode(world, locked, alice, { metadata: { annotations: { [LOCK]: null } } }),
  ).toMatchObject({ status: 200 });
});

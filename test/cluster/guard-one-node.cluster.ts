import { afterAll, beforeAll, expect, test } from "vitest";
import { LOCK, messageOf, patchNode, stateOf, recordOf } from "../scenarios/nodes.ts";
import { alice, bob } from "../scenarios/world.ts";
import { type Cluster, openTestCluster } from "./cluster/cluster.ts";
import { installNodelatch, rolledOut, waitUntilAnswering, WEBHOOK } from "./nodelatch.ts";
import { realWorld, type RealWorld } from "./real-world.ts";

const NODE = "node1";
let cluster: Cluster;
let world: RealWorld;

beforeAll(async () => {
  cluster = await openTestCluster();
  await installNodelatch(cluster);
  world = await realWorld(cluster);
});
afterAll(async () => {
  // Also when a test failed half way: the next file needs a node that takes pods.
  await cluster.tryKubectl(["annotate", "node", NODE, `${LOCK}-`, "--as=alice", "--as-group=node-writers"]);
  await cluster.tryKubectl(["uncordon", NODE]);
  world.close();
});

test("the only node is locked, cordoned, drained and rebooted; the webhook comes back there and its holder releases", async () => {
  const bootID = await cluster.kubectl(["get", "node", NODE, "-o=jsonpath={.status.nodeInfo.bootID}"]);
  await patchNode(world, NODE, alice, {
    spec: { unschedulable: true },
    metadata: { annotations: { [LOCK]: "kernel" } },
  });
  expect(await recordOf(world, NODE)).toMatchObject({ holder: "alice", bootID, wasUnschedulable: false });

  // Everything is drained, the webhook's own pods too; their successors tolerate the cordon.
  await cluster.kubectl(
    ["drain", NODE, "--ignore-daemonsets", "--delete-emptydir-data", "--force", "--timeout=120s"],
    { timeoutMillis: 130_000 },
  );
  await cluster.powerOff(NODE);
  const refused = await patchNode(world, NODE, bob, { spec: { unschedulable: null } });
  expect(messageOf(refused)).toContain('failed calling webhook "guard.nodelatch.io"');
  await cluster.powerOn(NODE);

  await rolledOut(cluster, WEBHOOK, 300);
  await waitUntilAnswering(cluster);
  expect(await cluster.kubectl(["get", "node", NODE, "-o=jsonpath={.status.nodeInfo.bootID}"])).not.toBe(
    bootID,
  );
  expect(await stateOf(world, NODE)).toMatchObject({ cordoned: true });
  expect(messageOf(await patchNode(world, NODE, bob, { spec: { unschedulable: null } }))).toContain(
    `node ${NODE} is locked for reboot by alice (kernel)`,
  );

  const release = { metadata: { annotations: { [LOCK]: null } }, spec: { unschedulable: null } };
  expect(await patchNode(world, NODE, alice, release)).toMatchObject({ status: 200 });
  expect(await stateOf(world, NODE)).toEqual({ lock: undefined, cordoned: false });
});

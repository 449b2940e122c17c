import { afterAll, beforeAll, expect, test } from "vitest";
import { lockedNode } from "../scenarios/nodes.ts";
import { type Cluster, openTestCluster } from "./cluster/cluster.ts";
import { startUncordonLoad } from "./load/uncordon-load.ts";
import { installNodelatch, NAMESPACE, rolledOut, WEBHOOK } from "./nodelatch.ts";
import { realWorld, type RealWorld } from "./real-world.ts";

let cluster: Cluster;
let world: RealWorld;

beforeAll(async () => {
  cluster = await openTestCluster();
  await installNodelatch(cluster, ["webhook.replicas=2"]);
  world = await realWorld(cluster);
});
afterAll(() => world.close());

test("three rolling restarts at 2 replicas under load fail no call", async () => {
  const node = await lockedNode(world);
  const load = startUncordonLoad(world, node, 4, 360_000);
  for (let turn = 0; turn < 3; turn += 1) {
    await cluster.kubectl(["rollout", "restart", "-n", NAMESPACE, WEBHOOK]);
    await rolledOut(cluster, WEBHOOK, 110);
  }
  const { refused, failures } = await load.stop();
  expect(failures).toEqual([]);
  expect(refused).toBeGreaterThan(100);
});

/** kured's scenarios on a real API server, with tokens bound to pods; the nodes are objects without machines. */
import { afterAll, beforeAll, describe } from "vitest";
import { cycleScenarios } from "../kured/cycle.ts";
import { interruptedScenarios } from "../kured/interrupted.ts";
import { sharedScenarios } from "../kured/shared.ts";
import { withoutWebhookScenarios } from "../kured/without-webhook.ts";
import { type Cluster, openTestCluster } from "./cluster/cluster.ts";
import { grantKured, revokeKured } from "./kured-access.ts";
import { realKuredWorld, type RealKuredWorld } from "./kured-world.ts";
import { installNodelatch, scaleWebhook, waitUntilAnswering } from "./nodelatch.ts";
import { backstopInForce } from "./policies.ts";
import { realWorld, type RealWorld } from "./real-world.ts";

let cluster: Cluster;
let admin: RealWorld;
let world: RealKuredWorld;

beforeAll(async () => {
  cluster = await openTestCluster();
  await installNodelatch(cluster);
  await grantKured(cluster);
  admin = await realWorld(cluster);
  world = await realKuredWorld(cluster, admin.send);
});
afterAll(async () => {
  world.close();
  admin.close();
  await revokeKured(cluster);
});

describe("kured on a real API server with the backstop", () => {
  beforeAll(async () => {
    await installNodelatch(cluster, ["guard.backstop.enabled=true"]);
    await backstopInForce(admin);
  });
  afterAll(async () => installNodelatch(cluster));

  cycleScenarios(() => world);
  interruptedScenarios(() => world);
});

describe("kured on a real API server", () => {
  cycleScenarios(() => world);
  interruptedScenarios(() => world);
  sharedScenarios(() => world);
  withoutWebhookScenarios(() => world, {
    stop: async () => scaleWebhook(cluster, 0),
    start: async () => {
      await scaleWebhook(cluster, 2);
      await waitUntilAnswering(cluster);
    },
  });
});

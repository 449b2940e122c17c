import { afterAll, beforeAll, describe } from "vitest";
import { allScenarios } from "../scenarios/all.ts";
import { helmSettings, SCENARIO_TOOLS } from "../scenarios/tool-identities.ts";
import { openTestCluster } from "./cluster/cluster.ts";
import { installNodelatch } from "./nodelatch.ts";
import { realWorld, type RealWorld } from "./real-world.ts";
import { serverSideApplyScenarios } from "./server-side-apply.ts";

let world: RealWorld;

beforeAll(async () => {
  const cluster = await openTestCluster();
  await installNodelatch(cluster, helmSettings(SCENARIO_TOOLS));
  world = await realWorld(cluster);
});
afterAll(() => world.close());

describe("on a real Kubernetes", () => {
  allScenarios(() => world);
  serverSideApplyScenarios(() => world);
});

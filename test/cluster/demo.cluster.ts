import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { type Cluster, openTestCluster } from "./cluster/cluster.ts";
import { installNodelatch } from "./nodelatch.ts";
import { run } from "./process/run.ts";

const DEMO = fileURLToPath(new URL("../../demo/main.ts", import.meta.url));
let cluster: Cluster;

beforeAll(async () => {
  cluster = await openTestCluster();
  await installNodelatch(cluster);
});

test("npm run demo -- --kubeconfig FILE shows the same on a real cluster and leaves nothing behind", async () => {
  const done = await run([process.execPath, DEMO, "--kubeconfig", cluster.info.kubeconfig], {
    timeoutMillis: 240_000,
  });
  expect(done.stdout).toMatch(/Result: (\d+) of \1 steps went as promised\./);
  expect(done.code).toBe(0);
  expect(await cluster.kubectl(["get", "nodes", "-l", "nodelatch.io/demo=true", "-o", "name"])).toBe("");
});

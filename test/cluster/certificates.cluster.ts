import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { setTimeout as sleep } from "node:timers/promises";
import { lockedNode } from "../scenarios/nodes.ts";
import { type Cluster, openTestCluster } from "./cluster/cluster.ts";
import { startUncordonLoad } from "./load/uncordon-load.ts";
import { installNodelatch, NAMESPACE, waitUntilAnswering } from "./nodelatch.ts";
import { realWorld, type RealWorld } from "./real-world.ts";

const SECRET = "nodelatch-webhook-tls";
let cluster: Cluster;
let world: RealWorld;
let node: string;

beforeAll(async () => {
  cluster = await openTestCluster();
  await installNodelatch(cluster);
  world = await realWorld(cluster);
  node = await lockedNode(world);
});
afterAll(() => world.close());

const field = (key: string) =>
  cluster.kubectl([
    "get",
    "secret",
    SECRET,
    "-n",
    NAMESPACE,
    `-o=jsonpath={.data.${key.replace(".", "\\.")}}`,
  ]);

describe("by hand", () => {
  test.each([
    ["deleted", ["delete", "secret", SECRET, "-n", NAMESPACE]],
    ["emptied", ["patch", "secret", SECRET, "-n", NAMESPACE, "--type=merge", "-p", '{"data":null}']],
    [
      "its certificate corrupted",
      [
        "patch",
        "secret",
        SECRET,
        "-n",
        NAMESPACE,
        "--type=merge",
        "-p",
        '{"data":{"tls.crt":"Z2FyYmFnZQ=="}}',
      ],
    ],
    [
      "its key corrupted",
      [
        "patch",
        "secret",
        SECRET,
        "-n",
        NAMESPACE,
        "--type=merge",
        "-p",
        '{"data":{"tls.key":"Z2FyYmFnZQ=="}}',
      ],
    ],
  ])("the Secret is %s: it heals, and no call fails meanwhile", { timeout: 200_000 }, async (_name, argv) => {
    const load = startUncordonLoad(world, node, 2, 120_000);
    await cluster.kubectl(argv);
    await expect
      .poll(async () => Buffer.from(await field("tls.crt").catch(() => ""), "base64").toString(), {
        timeout: 90_000,
        interval: 1_000,
      })
      .toContain("BEGIN CERTIFICATE");
    await expect
      .poll(async () => Buffer.from(await field("tls.key").catch(() => ""), "base64").toString(), {
        timeout: 60_000,
        interval: 1_000,
      })
      .toContain("PRIVATE KEY");
    await sleep(10_000);
    const { refused, failures } = await load.stop();
    expect(failures).toEqual([]);
    expect(refused).toBeGreaterThan(20);
  });

  test("the registered CA is wiped: it is put back", { timeout: 120_000 }, async () => {
    const wipe = '[{"op":"remove","path":"/webhooks/0/clientConfig/caBundle"}]';
    for (const kind of ["validatingwebhookconfiguration", "mutatingwebhookconfiguration"]) {
      await cluster.kubectl(["patch", kind, "nodelatch", "--type=json", "-p", wipe]);
    }
    await waitUntilAnswering(cluster);
    const bundle = "-o=jsonpath={.webhooks[0].clientConfig.caBundle}";
    expect(await cluster.kubectl(["get", "validatingwebhookconfiguration", "nodelatch", bundle])).not.toBe(
      "",
    );
  });
});

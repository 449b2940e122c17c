import { X509Certificate } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { setTimeout as sleep } from "node:timers/promises";
import { lockedNode } from "../scenarios/nodes.ts";
import { type Cluster, openTestCluster } from "./cluster/cluster.ts";
import { startUncordonLoad } from "./load/uncordon-load.ts";
import { installNodelatch, NAMESPACE, scaleWebhook, waitUntilAnswering } from "./nodelatch.ts";
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
  ])("the Secret is %s: it heals, and no call fails meanwhile", async (_name, argv) => {
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

  test("the registered CA is wiped: it is put back", async () => {
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

test("five certificates and two authorities come and go under load, and no call fails", async () => {
  // Without pods nobody remembers the long-lived authority: with short lives from the first one on, a leaf is renewed
  // every 20 s and an authority every 80 s, at 2/3 of life.
  await scaleWebhook(cluster, 0);
  await cluster.kubectl(["patch", "secret", SECRET, "-n", NAMESPACE, "--type=merge", "-p", '{"data":null}']);
  await installNodelatch(cluster, ["certs.self.leafLife=30s", "certs.self.caLife=2m"]);
  const load = startUncordonLoad(world, node, 4, 360_000);
  const leaves = new Set<string>();
  const authorities = new Set<string>();
  await expect
    .poll(
      async () => {
        leaves.add(new X509Certificate(Buffer.from(await field("tls.crt"), "base64")).serialNumber);
        authorities.add(new X509Certificate(Buffer.from(await field("ca.crt"), "base64")).serialNumber);
        return { leaves: leaves.size >= 6, authorities: authorities.size >= 2 };
      },
      { timeout: 300_000, interval: 2_000 },
    )
    .toEqual({ leaves: true, authorities: true });
  await sleep(20_000);
  const { refused, failures } = await load.stop();
  expect(failures).toEqual([]);
  expect(refused).toBeGreaterThan(1_000);
});

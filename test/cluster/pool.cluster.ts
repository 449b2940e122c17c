/** A node that has run out of pod addresses, and a pod that can't be stopped: both heal without a person. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Cluster, openTestCluster } from "./cluster/cluster.ts";
import { InstalledAgent } from "./installed-agent.ts";
import { installNodelatch } from "./nodelatch.ts";
import { createPod } from "./pod.ts";
import { waitFor } from "./process/wait-for.ts";

const NODE = "node1";
const SPACE = "pool";
const POD = "starved";
const CONF = "/etc/cni/net.d/05-small.conflist";
const LEASES = "/var/lib/cni/networks/small-pods";
/** Of the node's own range, which is routed to it. Five addresses besides the bridge's own. */
const SUBNET = "10.244.1.240/29";
const ADDRESSES = ["10.244.1.242", "10.244.1.243", "10.244.1.244", "10.244.1.245", "10.244.1.246"];
let cluster: Cluster;
let agent: InstalledAgent;

beforeAll(async () => {
  cluster = await openTestCluster();
  agent = new InstalledAgent(cluster, NODE);
  await agent.install();
  await cluster.kubectl(["create", "namespace", SPACE]);
});
afterAll(async () => {
  await cluster.exec(NODE, ["rm", "-f", CONF]);
  await cluster.tryKubectl(["delete", "namespace", SPACE, "--timeout=150s", "--force"]);
  await installNodelatch(cluster);
});

async function shell(script: string, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await cluster.exec(NODE, ["sh", "-c", script, ...args]);
  if (code !== 0) throw new Error(`${script}: ${stderr}`);
  return stdout;
}

async function waitForEvent(text: string): Promise<void> {
  await waitFor(
    `an Event with "${text}"`,
    async () => {
      const of = ["-n", SPACE, "--field-selector", `involvedObject.name=${POD}`];
      const seen = await cluster.kubectl(["get", "events", ...of, "-o=jsonpath={.items[*].message}"]);
      return seen.includes(text) ? { done: true, value: undefined } : { done: false, seen };
    },
    { deadlineMillis: 120_000, intervalMillis: 500 },
  );
}

test("a pool that leftovers have used up: pods fail before the next boot, and run after it", async () => {
  const ipam = { type: "host-local", ranges: [[{ subnet: SUBNET }]] };
  const bridge = { type: "bridge", bridge: "small0", isDefaultGateway: true, ipam };
  const conf = { cniVersion: "0.4.0", name: "small-pods", plugins: [bridge] };
  await shell('printf %s "$1" > "$0"', CONF, JSON.stringify(conf));
  for (const address of ADDRESSES) {
    const lease = `${randomBytes(32).toString("hex")}\r\neth0`;
    await shell('mkdir -p "$0" && printf %s "$2" > "$0/$1"', LEASES, address, lease);
  }
  await cluster.powerOff(NODE);
  await cluster.powerOn(NODE);
  await agent.waitUntilReady();
  await createPod(cluster, SPACE, POD);
  await waitForEvent("no IP addresses available in range set: 10.244.1.241-10.244.1.246");
  await expect
    .poll(async () => agent.metric('nodelatch_agent_cni_leases{state="waiting"}'), {
      timeout: 150_000,
      interval: 1_000,
    })
    .toBe(ADDRESSES.length);

  await cluster.powerOff(NODE);
  await cluster.powerOn(NODE);
  await cluster.kubectl(["wait", "-n", SPACE, "--for=condition=Ready", "--timeout=300s", `pod/${POD}`]);
  await agent.waitUntilReady();
  const moved = 'nodelatch_agent_cni_removals_total{what="lease",outcome="moved"}';
  expect(await agent.metric(moved)).toBe(ADDRESSES.length);
  expect(await cluster.kubectl(["get", "node", NODE, "-o=jsonpath={.metadata.annotations}"])).toContain(
    '\\"removedLeases\\":5',
  );
});

test("a pod whose cache a power cut has emptied can't be stopped; it goes all the same", async () => {
  const uid = await cluster.kubectl(["get", "pod", POD, "-n", SPACE, "-o=jsonpath={.metadata.uid}"]);
  const emptied = await shell(
    'cd /var/lib/cni/results && f=$(grep -l "$0" small-pods-*) && : > "$f" && echo "$f"',
    uid,
  );
  expect(emptied.trim()).toMatch(/^small-pods-[0-9a-f]{64}-eth0$/);
  await cluster.kubectl(["delete", "pod", POD, "-n", SPACE, "--wait=false"]);
  await waitForEvent("unexpected end of JSON input");
  await cluster.kubectl(["wait", "-n", SPACE, "--for=delete", "--timeout=240s", `pod/${POD}`], {
    timeoutMillis: 250_000,
  });
});

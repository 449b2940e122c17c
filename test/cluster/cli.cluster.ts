/** `status` and `doctor` where there are real ServiceAccounts and DaemonSets: ghosts, and kureds that ask no gate. */
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Cluster, openTestCluster } from "./cluster/cluster.ts";
import { installNodelatch } from "./nodelatch.ts";
import { run } from "./process/run.ts";

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
const NAMESPACE = "cli-tools";
const NODE = "cli-ghost";
const TOOL = `system:serviceaccount:${NAMESPACE}:patcher`;

let cluster: Cluster;
let alice: string;
beforeAll(async () => {
  cluster = await openTestCluster();
  await installNodelatch(cluster);
  alice = await cluster.userKubeconfig({ name: "alice", groups: ["system:masters"] });
  await cluster.kubectl(["create", "namespace", NAMESPACE]);
  await cluster.kubectl(["create", "serviceaccount", "patcher", "-n", NAMESPACE]);
  await cluster.createFakeNode(NODE);
});
afterAll(async () => {
  await nodelatch("unlock", NODE, "--force", "--reason", "the test is over");
  await cluster.kubectl(["delete", "node", NODE]);
  await cluster.kubectl(["delete", "namespace", NAMESPACE]);
});

async function nodelatch(
  ...words: readonly string[]
): Promise<{ readonly code: number | null; readonly out: string }> {
  const options = { timeoutMillis: 120_000, env: { KUBECONFIG: alice } };
  const { code, stdout, stderr } = await run([process.execPath, MAIN, ...words], options);
  return { code, out: `${stdout}${stderr}`.trim() };
}

test("a lock is a ghost once its ServiceAccount is gone", async () => {
  const lock = ["lock", NODE, "--as", TOOL, "--as-group", "system:masters"];
  expect(await nodelatch(...lock)).toMatchObject({ code: 0 });
  expect((await nodelatch("status", NODE)).out).toMatch(new RegExp(`^${NODE} +held +${TOOL} `, "m"));
  await cluster.kubectl(["delete", "serviceaccount", "patcher", "-n", NAMESPACE]);
  const { out } = await nodelatch("status", NODE);
  expect(out).toMatch(new RegExp(`^${NODE} +ghost +${TOOL} `, "m"));
  expect(out).toContain(`${NODE}: ${TOOL} no longer exists`);
  expect((await nodelatch("doctor")).out).toMatch(
    new RegExp(
      `^warn +ghost-locks +${NODE}: ${TOOL} no longer exists\\n +-> nobody is left to end it: .*unlock ${NODE}`,
      "m",
    ),
  );
});

test("a kured that is unknown and asks no gate is found, with the lines to set", async () => {
  const kured = (args: readonly string[]): string =>
    JSON.stringify({
      apiVersion: "apps/v1",
      kind: "DaemonSet",
      metadata: { name: "kured", namespace: NAMESPACE },
      spec: {
        selector: { matchLabels: { app: "kured" } },
        template: {
          metadata: { labels: { app: "kured" } },
          spec: {
            serviceAccountName: "kured",
            // No node has it: what it would run is not the matter here.
            nodeSelector: { "nodelatch.io/nowhere": "true" },
            containers: [
              { name: "kured", image: "registry.example.com/kured:1", command: ["/usr/bin/kured"], args },
            ],
          },
        },
      },
    });
  await cluster.kubectl(["apply", "-f", "-"], { input: kured(["--period=1h"]) });
  const user = `system:serviceaccount:${NAMESPACE}:kured`;
  const { out } = await nodelatch("doctor");
  expect(out).toMatch(/^ok +tools +cordons of system:serviceaccount:kube-system:kured take a lock$/m);
  expect(out).toContain(`DaemonSet ${NAMESPACE}/kured runs as ${user}, which is no known tool`);
  expect(out).toContain(`DaemonSet ${NAMESPACE}/kured does not ask the gate`);
  const option = /-> give it --reboot-command="(.*)"$/m.exec(out)?.[1] ?? "";
  await cluster.kubectl(["apply", "-f", "-"], { input: kured([`--reboot-command=${option}`]) });
  const mended = (await nodelatch("doctor")).out;
  expect(mended).not.toContain(`DaemonSet ${NAMESPACE}/kured does not ask the gate`);
  expect(mended).not.toContain("for locks of");
  await cluster.kubectl(["delete", "daemonset", "kured", "-n", NAMESPACE]);
  expect((await nodelatch("doctor")).out).not.toContain(`DaemonSet ${NAMESPACE}/kured`);
});

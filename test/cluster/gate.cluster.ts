/** The gate and `kubectl nodelatch` on a real cluster of one node: what they say of a node that nobody locked. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { apiServerReturns } from "./api-server-returns.ts";
import { type Cluster, openTestCluster } from "./cluster/cluster.ts";
import { InstalledAgent, type Ran } from "./installed-agent.ts";
import { installNodelatch } from "./nodelatch.ts";
import { waitFor } from "./process/wait-for.ts";

const NODE = "node1";
const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

let cluster: Cluster;
let agent: InstalledAgent;
let folder: string;
let alice: string;

beforeAll(async () => {
  cluster = await openTestCluster();
  agent = new InstalledAgent(cluster, NODE);
  await installNodelatch(cluster, ["agent.enabled=true"]);
  folder = await mkdtemp(join(tmpdir(), "nodelatch-plugin-"));
  const plugin = `#!/bin/sh\nexec ${process.execPath} ${MAIN} "$@"\n`;
  await writeFile(join(folder, "kubectl-nodelatch"), plugin, { mode: 0o755 });
  alice = await cluster.userKubeconfig({ name: "alice", groups: ["system:masters"] });
});
afterAll(async () => {
  await installNodelatch(cluster);
  await rm(folder, { recursive: true });
});

/** As a person types it, with what it printed on both outputs. */
async function nodelatch(...words: readonly string[]): Promise<Ran> {
  const env = { PATH: process.env["PATH"] ?? "", KUBECONFIG: alice };
  return new Promise((resolve) => {
    const options = { env, timeout: 120_000 };
    execFile(join(folder, "kubectl-nodelatch"), [...words], options, (error, stdout, stderr) => {
      const code = typeof error?.code === "number" ? error.code : error === null ? 0 : -1;
      resolve({ code, out: `${stdout}${stderr}`.trim() });
    });
  });
}

async function gateIsKept(): Promise<void> {
  await waitFor(
    "the gate to answer",
    async () => {
      const { code, out } = await agent.verify();
      return code === 0 || code === 1
        ? { done: true, value: undefined }
        : { done: false, seen: `${code}: ${out}` };
    },
    { deadlineMillis: 120_000 },
  );
}

test("a node that nobody locked may not reboot, say the node and kubectl", async () => {
  await gateIsKept();
  const closed = await agent.verify();
  expect(closed.code).toBe(1);
  expect(closed.out).toContain("nodelatch: closed: node node1 has no reboot lock");
  expect(closed.out).toContain("node node1 is not cordoned");
  const told = await nodelatch("verify", NODE);
  expect(told).toMatchObject({ code: 1 });
  expect(told.out).toMatch(/^node1: closed\n {2}node node1 has no reboot lock/);
  const events = [
    "get",
    "events",
    "-n",
    "default",
    "--field-selector",
    `involvedObject.name=${NODE},reason=RebootRefused`,
  ];
  await expect
    .poll(async () => cluster.kubectl([...events, "-o=jsonpath={.items[*].message}"]), { timeout: 120_000 })
    .toContain("has no reboot lock");
});

test("the doctor finds nothing wrong", async () => {
  await agent.waitUntilReady();
  const { code, out } = await nodelatch("doctor");
  expect(out).not.toMatch(/^fail/m);
  expect(out).toMatch(/^ok {4}latch-answers /m);
  // Nodes that other files left have no machine, and no agent.
  expect(out).toMatch(/^(?:ok|warn) +agents /m);
  expect(out).not.toMatch(new RegExp(`^.* agents .*\\b${NODE}\\b`, "m"));
  expect(code).toBe(0);
});

test("without the API server there is no answer, in time", async () => {
  await gateIsKept();
  await cluster.stopApiServer();
  try {
    const asked = await agent.verify();
    expect(asked.code).toBe(75);
    expect(asked.out).toMatch(/^nodelatch: no answer, so don't reboot: [^\n]+$/);
  } finally {
    await apiServerReturns(cluster, NODE);
  }
});

/**
 * kured's whole cycle on the only node of a cluster, a control plane's: its cordon locks, its drain, a delay of a minute
 * in which somebody tries to get the node back each second, the agent's gate, a power cut, the boot, its uncordon.
 */
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Adversary, ATTACKS } from "../kured/adversary.ts";
import { KuredPod } from "../kured/kured-pod.ts";
import { gatedCommand, KURED_NAMESPACE, KURED_USER, type KuredOptions } from "../kured/options.ts";
import { KURED_LABEL } from "../kured/world.ts";
import { LOCK, OVERRIDE, patchNode, recordOf, stateOf } from "../scenarios/nodes.ts";
import type { Attack } from "../scenarios/refused.ts";
import { alice, bob, breaker, clusterAdmin } from "../scenarios/world.ts";
import { type Cluster, openTestCluster } from "./cluster/cluster.ts";
import { busyboxImage } from "./config/machine.ts";
import { InstalledAgent } from "./installed-agent.ts";
import { grantKured, revokeKured } from "./kured-access.ts";
import { KuredMachine, REBOOT_COMMAND } from "./kured-machine.ts";
import { realKuredWorld, type RealKuredWorld } from "./kured-world.ts";
import { installNodelatch, waitUntilAnswering } from "./nodelatch.ts";
import { waitFor } from "./process/wait-for.ts";
import { realWorld, type RealWorld } from "./real-world.ts";

const NODE = "node1";
const DAEMONSET = "kured";
const SPACE = "kured-app";
const ROLE = "node-role.kubernetes.io/control-plane";
const VERIFY = "/bin/sh /run/nodelatch/verify";
const DELAY_MILLIS = 60_000;

let cluster: Cluster;
let admin: RealWorld;
let world: RealKuredWorld;
let agent: InstalledAgent;
let machine: KuredMachine;
let kured: KuredPod;

beforeAll(async () => {
  cluster = await openTestCluster();
  agent = new InstalledAgent(cluster, NODE);
  await agent.install();
  await grantKured(cluster);
  admin = await realWorld(cluster);
  world = await realKuredWorld(cluster, admin.send);
  await cluster.kubectl(["label", "node", NODE, `${KURED_LABEL}=${DAEMONSET}`, `${ROLE}=`]);
  await cluster.kubectl(["taint", "node", NODE, `${ROLE}:NoSchedule`]);
  await world.createDaemonSet(DAEMONSET);
  await cluster.kubectl(["create", "namespace", SPACE]);
  await cluster.kubectl(["apply", "-n", SPACE, "-f", "-"], { input: JSON.stringify(app()) });
  await cluster.kubectl(["rollout", "status", "-n", SPACE, "deployment/app", "--timeout=150s"]);
  const send = await world.podSend(DAEMONSET, NODE, true);
  machine = new KuredMachine(cluster, NODE, DAEMONSET);
  kured = new KuredPod(options(), send, machine);
});

afterAll(async () => {
  await kured.kill();
  const broken = {
    metadata: { annotations: { [OVERRIDE]: "end of the test" } },
    spec: { unschedulable: null },
  };
  await patchNode(admin, NODE, clusterAdmin, broken);
  await cluster.tryKubectl(["taint", "node", NODE, `${ROLE}-`]);
  await cluster.tryKubectl(["label", "node", NODE, `${KURED_LABEL}-`, `${ROLE}-`]);
  await world.deleteDaemonSet(DAEMONSET);
  world.close();
  admin.close();
  await revokeKured(cluster);
  await cluster.tryKubectl(["delete", "namespace", SPACE, "--timeout=150s"]);
  await installNodelatch(cluster);
});

function options(): KuredOptions {
  return {
    node: NODE,
    dsNamespace: KURED_NAMESPACE,
    dsName: DAEMONSET,
    startMillis: 1_000,
    periodMillis: 2_000,
    rebootDelayMillis: DELAY_MILLIS,
    drainTimeoutMillis: 0,
    forceReboot: false,
    annotateNodes: true,
    preRebootNodeLabels: {},
    postRebootNodeLabels: {},
    concurrency: 1,
    rebootCommand: gatedCommand(`${VERIFY} --wait 1m`, REBOOT_COMMAND),
  };
}

/** What a drain has to take away, and what comes back only once the node takes pods again. */
function app(): object {
  const labels = { app: "app" };
  const container = {
    name: "app",
    image: busyboxImage,
    imagePullPolicy: "Never",
    command: ["sleep", "1000000"],
  };
  const spec = {
    terminationGracePeriodSeconds: 0,
    tolerations: [{ key: ROLE, operator: "Exists" }],
    containers: [container],
  };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "app" },
    spec: { replicas: 1, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  };
}

const apply: Attack = (to, name, as) =>
  to.send({
    as,
    method: "PATCH",
    path: `/api/v1/nodes/${name}?fieldManager=${as.user}&force=true`,
    contentType: "application/apply-patch+yaml",
    body: { apiVersion: "v1", kind: "Node", metadata: { name }, spec: { unschedulable: false } },
  });

/** @throws Error with kured's log. */
async function until(what: string, holds: () => boolean | Promise<boolean>, deadlineMillis = 240_000) {
  await waitFor(
    what,
    async () => {
      const done = await holds();
      return done ? { done, value: undefined } : { done, seen: kured.log.slice(-8).join("\n") };
    },
    { deadlineMillis, intervalMillis: 250 },
  );
  expect(kured.problem).toBeUndefined();
  expect(machine.problem).toBeUndefined();
}

async function runningApps(): Promise<string> {
  const path = '-o=jsonpath={.items[?(@.status.phase=="Running")].metadata.name}';
  return cluster.kubectl(["get", "pods", "-n", SPACE, path]);
}

async function bootID(): Promise<string> {
  return cluster.kubectl(["get", "node", NODE, "-o=jsonpath={.status.nodeInfo.bootID}"]);
}

test("a whole cycle: nobody gets the node back before it has rebooted", async () => {
  const bootBefore = await bootID();
  const adversary = new Adversary(
    admin.send,
    NODE,
    [bob, clusterAdmin],
    [...ATTACKS, ["server-side apply", apply]],
  );
  let atReboot: unknown;
  const peace = new AbortController();
  machine.onPower = async (state) => {
    if (state === "going") atReboot = { ...(await stateOf(admin, NODE)), apps: await runningApps() };
    if (state === "off") await kured.kill();
    if (state !== "on") return;
    peace.abort();
    await besieged;
    kured.start();
  };

  await until("the gate to answer, and to be closed", async () => {
    const verify = `${VERIFY} --holder ${KURED_USER}`;
    const { code, stderr } = await cluster.exec(NODE, ["/bin/sh", "-c", verify]);
    return code === 1 && stderr.includes("has no reboot lock");
  });
  kured.start();
  await until("kured to drain", () => kured.logged("Draining") > 0);
  const besieged = (async () => {
    while (!peace.signal.aborted) {
      const next = delay(1_000);
      await adversary.round();
      await next;
    }
  })();
  await until("the delay", () => kured.logged("Delaying reboot") > 0);
  const locked = await recordOf(admin, NODE);
  expect(locked).toMatchObject({
    holder: KURED_USER,
    holderNode: NODE,
    bootID: bootBefore,
    wasUnschedulable: false,
    release: "reboot",
  });
  const roundsBefore = adversary.rounds;
  await until("kured's command", () => machine.results.length > 0, DELAY_MILLIS + 180_000);
  expect(machine.results).toEqual([
    { code: 0, out: `nodelatch: open: locked by ${KURED_USER} (cordoned by kured), cordoned and drained` },
  ]);
  expect(adversary.rounds - roundsBefore).toBeGreaterThan(20);
  await until("the boot", () => peace.signal.aborted, 300_000);
  await until("the uncordon", async () => (await stateOf(admin, NODE)).lock === undefined, 300_000);

  expect(adversary.through).toEqual([]);
  const refusals = new Set(adversary.tries.map(({ status }) => status));
  // 500 while the webhook's pods are down with the node.
  expect([...refusals].filter((status) => status !== 403 && status !== 500)).toEqual([]);
  expect(atReboot).toEqual({ lock: JSON.stringify(locked), cordoned: true, apps: "" });
  expect(await bootID()).not.toBe(bootBefore);
  expect(await stateOf(admin, NODE)).toEqual({ lock: undefined, cordoned: false });
  await until("the app to run again", async () => (await runningApps()) !== "");
  await until("kured to be content", () => kured.logged("Reboot not required") > 0);
  expect(await stateOf(admin, NODE)).toEqual({ lock: undefined, cordoned: false });
});

test("the agent's gate says no where the lock was broken in the delay", async () => {
  await agent.waitUntilReady();
  await waitUntilAnswering(cluster);
  const reboots = machine.results.length;
  // Without waiting: a lock may come back, so `verify --wait` would.
  const rebootCommand = gatedCommand(VERIFY, REBOOT_COMMAND);
  kured.options = { ...options(), rebootDelayMillis: 500, rebootCommand };
  await kured.restart();
  machine.beforeCommand = async () => {
    const act = { metadata: { annotations: { [OVERRIDE]: "disk on fire" } }, spec: { unschedulable: null } };
    expect(await patchNode(admin, NODE, breaker, act)).toMatchObject({ status: 200 });
    machine.rebootRequired = false;
  };
  const bootBefore = await bootID();
  machine.rebootRequired = true;
  await until("kured's command", () => machine.results.length > reboots, 300_000);
  const { code, out } = machine.results.at(-1) ?? { code: 0, out: "" };
  expect(code).toBe(1);
  expect(out).toContain(`nodelatch: closed: node ${NODE} has no reboot lock (annotation ${LOCK})`);
  expect(out).toContain(`node ${NODE} is not cordoned`);
  await until("kured to exit", () => kured.exits.some(({ message }) => message.includes("exit status 1")));
  const events = ["get", "events", "-n", "default", "--field-selector"];
  const refused = `involvedObject.name=${NODE},reason=RebootRefused`;
  await expect
    .poll(async () => cluster.kubectl([...events, refused, "-o=jsonpath={.items[*].message}"]), {
      timeout: 120_000,
    })
    .toContain("is not cordoned");
  expect(await bootID()).toBe(bootBefore);
});

test("a command without a shell, and another's lock: no reboot", async () => {
  const results = machine.results.length;
  const bootBefore = await bootID();
  await kured.kill();
  // As kured would run it: the words of the line are arguments of the first.
  const bare = await machine.run(`${VERIFY} && ${REBOOT_COMMAND}`.split(" "));
  expect(bare).toMatchObject({ code: 64 });
  expect(bare.out).toContain("'&&' is an argument here, so no shell runs this line");

  const lock = { metadata: { annotations: { [LOCK]: "disk swap" } }, spec: { unschedulable: true } };
  expect(await patchNode(admin, NODE, alice, lock)).toMatchObject({ status: 200 });
  const foreign = await machine.run([
    "/bin/sh",
    "-c",
    `${VERIFY} --holder ${KURED_USER} && ${REBOOT_COMMAND}`,
  ]);
  expect(foreign).toMatchObject({ code: 1 });
  expect(foreign.out).toContain(`the reboot lock is held by alice, not by ${KURED_USER}`);
  const unlock = { metadata: { annotations: { [LOCK]: null } }, spec: { unschedulable: null } };
  expect(await patchNode(admin, NODE, alice, unlock)).toMatchObject({ status: 200 });
  expect(machine.results).toHaveLength(results + 2);
  expect(await bootID()).toBe(bootBefore);
});

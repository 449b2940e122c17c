import { afterAll, beforeAll, expect, test } from "vitest";
import {
  lockedNode,
  LOCK,
  OVERRIDE,
  SCENARIO_LABEL,
  nodeName,
  stateOf,
  createNode,
} from "../scenarios/nodes.ts";
import { type Cluster, openTestCluster } from "./cluster/cluster.ts";
import { installNodelatch } from "./nodelatch.ts";
import { realWorld, type RealWorld } from "./real-world.ts";

let cluster: Cluster;
let world: RealWorld;
/** Kubeconfigs with client certificates: real identities, no impersonation. */
let alice: string;
let bob: string;
let carol: string;

beforeAll(async () => {
  cluster = await openTestCluster();
  await installNodelatch(cluster);
  world = await realWorld(cluster);
  alice = await cluster.userKubeconfig({ name: "alice", groups: ["node-writers"] });
  bob = await cluster.userKubeconfig({ name: "bob", groups: ["node-writers"] });
  carol = await cluster.userKubeconfig({ name: "carol", groups: ["node-writers", "lock-breakers"] });
});
afterAll(() => world.close());

test("what the README shows: lock, refused uncordon, release", async () => {
  const name = await createNode(world);
  await cluster.kubectl(["cordon", name], { kubeconfig: alice });
  await cluster.kubectl(["annotate", "node", name, `${LOCK}=kernel update`], { kubeconfig: alice });
  const refused = await cluster.tryKubectl(["uncordon", name], { kubeconfig: bob });
  // kubectl prints the refusal of a plain uncordon and exits with 0 (kured-observed.md 3).
  expect(refused.stderr).toContain(`node ${name} is locked for reboot by alice (kernel update) since `);
  expect(await stateOf(world, name)).toMatchObject({ cordoned: true });
  await cluster.kubectl(["annotate", "node", name, `${LOCK}-`], { kubeconfig: alice });
  await cluster.kubectl(["uncordon", name], { kubeconfig: bob });
  expect(await stateOf(world, name)).toEqual({ lock: undefined, cordoned: false });
});

const ATTACKS: [string, (name: string) => string[]][] = [
  ["uncordon --dry-run=server", (name) => ["uncordon", name, "--dry-run=server"]],
  ["annotate KEY-", (name) => ["annotate", "node", name, `${LOCK}-`]],
  ["annotate --overwrite", (name) => ["annotate", "node", name, `${LOCK}=mine`, "--overwrite"]],
  [
    "patch --type=merge",
    (name) => ["patch", "node", name, "--type=merge", "-p", '{"spec":{"unschedulable":null}}'],
  ],
  [
    "patch --type=json",
    (name) => ["patch", "node", name, "--type=json", "-p", '[{"op":"remove","path":"/spec/unschedulable"}]'],
  ],
  [
    "patch --subresource=status",
    (name) => [
      "patch",
      "node",
      name,
      "--subresource=status",
      "--type=merge",
      "-p",
      `{"metadata":{"annotations":{"${LOCK}":null}}}`,
    ],
  ],
  ["delete", (name) => ["delete", "node", name, "--wait=false"]],
];

test.each(ATTACKS)("kubectl %s of a stranger is refused", async (_name, argv) => {
  const name = await lockedNode(world);
  const before = await stateOf(world, name);
  const { stderr } = await cluster.tryKubectl(argv(name), { kubeconfig: bob });
  expect(stderr).toContain(`node ${name} is locked for reboot by alice`);
  expect(await stateOf(world, name)).toEqual(before);
});

test.each([
  ["replace", ["replace", "-f", "-"]],
  ["replace --force", ["replace", "--force", "-f", "-"]],
  ["apply", ["apply", "-f", "-"]],
  ["apply --server-side --force-conflicts", ["apply", "--server-side", "--force-conflicts", "-f", "-"]],
])("kubectl %s of a manifest without lock and cordon is refused", async (_name, argv) => {
  const name = await lockedNode(world);
  const before = await stateOf(world, name);
  const manifest = {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, labels: { [SCENARIO_LABEL]: "single" }, annotations: { [LOCK]: "mine" } },
    spec: { unschedulable: false },
  };
  // The cordon's taint and annotations of controllers come a moment after the node: kubectl's PUT then conflicts.
  const replaced = async (): Promise<string> => {
    const part = { kubeconfig: bob, input: JSON.stringify(manifest) };
    return (await cluster.tryKubectl(argv, part)).stderr;
  };
  let stderr = await replaced();
  for (let tries = 1; tries < 10 && stderr.includes("object has been modified"); tries += 1) {
    stderr = await replaced();
  }
  expect(stderr).toContain(`node ${name} is locked for reboot by alice`);
  expect(await stateOf(world, name)).toEqual(before);
});

test("kubectl edit, which writes a patch from an editor's file, is refused", async () => {
  const name = await lockedNode(world);
  const editor = `KUBE_EDITOR=sed -i s/unschedulable:.true/unschedulable:\\ false/`;
  const done = await cluster.exec("node1", [
    "env",
    `KUBECONFIG=${bob}`,
    editor,
    cluster.info.kubectl,
    "edit",
    "node",
    name,
    "--server",
    "https://10.96.0.1:443",
    "--tls-server-name=kubernetes",
  ]);
  expect(`${done.stdout}${done.stderr}`).toContain(`node ${name} is locked for reboot by alice`);
  expect(await stateOf(world, name)).toMatchObject({ cordoned: true });
});

test("kubectl delete node -l stops at the locked one", async () => {
  const group = nodeName();
  const name = await lockedNode(world, { group });
  const { code, stderr } = await cluster.tryKubectl(["delete", "node", "-l", `${SCENARIO_LABEL}=${group}`], {
    kubeconfig: bob,
  });
  expect({ code, stderr }).toMatchObject({ code: 1 });
  expect(await stateOf(world, name)).toMatchObject({ cordoned: true });
});

test("break-glass by one kubectl annotate", async () => {
  const name = await lockedNode(world);
  const act = ["annotate", "node", name, `${OVERRIDE}=disk on fire`];
  const denied = await cluster.tryKubectl(act, { kubeconfig: bob });
  expect(denied).toMatchObject({ code: 1 });
  expect(denied.stderr).toContain(`verb override on rebootlocks.nodelatch.io "${name}" is not granted`);
  const { stderr } = await cluster.tryKubectl(act, { kubeconfig: carol });
  expect(stderr).toContain(`Warning: nodelatch: the reboot lock on ${name} was broken; it was held by alice`);
  expect(await stateOf(world, name)).toEqual({ lock: undefined, cordoned: true });
});

test("a refusal shows in kubectl describe node", async () => {
  const name = await lockedNode(world);
  await cluster.tryKubectl(["uncordon", name], { kubeconfig: bob });
  await expect
    .poll(() => cluster.kubectl(["describe", "node", name]), { timeout: 60_000 })
    .toMatch(/UncordonRefused.*bob/);
});

test("a real kubelet's certificate is a stranger on its own locked node", async () => {
  const user = { name: "system:node:node1", groups: ["system:nodes"] };
  const kubelet = await cluster.userKubeconfig(user);
  await cluster.kubectl(["cordon", "node1"], { kubeconfig: alice });
  await cluster.kubectl(["annotate", "node", "node1", `${LOCK}=x`], { kubeconfig: alice });
  try {
    const uncordon = await cluster.tryKubectl(["uncordon", "node1"], { kubeconfig: kubelet });
    expect(uncordon.stderr).toContain("node node1 is locked for reboot by alice");
    const strip = await cluster.tryKubectl(["annotate", "node", "node1", `${LOCK}-`], {
      kubeconfig: kubelet,
    });
    expect(strip.stderr).toContain("node node1 is locked for reboot by alice");
    expect(await stateOf(world, "node1")).toMatchObject({
      cordoned: true,
      lock: expect.any(String) as unknown,
    });
  } finally {
    await cluster.kubectl(["annotate", "node", "node1", `${LOCK}-`], { kubeconfig: alice });
    await cluster.kubectl(["uncordon", "node1"], { kubeconfig: alice });
  }
});

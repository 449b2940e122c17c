/** The policy that keeps each agent to its own Node, and there to what it needs. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  BOTH,
  createNode,
  getNode,
  LOCK,
  lockedNode,
  messageOf,
  nodeInfo,
  OVERRIDE,
  patchNode,
  REBOOT,
  reboots,
  stateOf,
  STRIP,
  UNCORDON,
} from "../scenarios/nodes.ts";
import { alice, bob } from "../scenarios/world.ts";
import { type Cluster, openTestCluster } from "./cluster/cluster.ts";
import { InstalledAgent } from "./installed-agent.ts";
import { installNodelatch, NAMESPACE } from "./nodelatch.ts";
import { agentWithRights, expectTyped, policiesIn } from "./policies.ts";
import { realWorld, type RealWorld } from "./real-world.ts";

const NODE = "node1";

let cluster: Cluster;
let world: RealWorld;
let token: string;

beforeAll(async () => {
  cluster = await openTestCluster();
  await installNodelatch(cluster, ["agent.enabled=true"]);
  world = await realWorld(cluster);
  await new InstalledAgent(cluster, NODE).waitUntilReady();
  const pods = ["get", "pods", "-n", NAMESPACE, "-l", "app.kubernetes.io/component=agent"];
  const pod = await cluster.kubectl([...pods, "-o=jsonpath={.items[0].metadata.name}"]);
  token = await cluster.tokenKubeconfig("agent", {
    namespace: NAMESPACE,
    serviceAccount: "nodelatch-agent",
    pod,
  });
});
afterAll(async () => {
  await installNodelatch(cluster);
  world.close();
});

describe("the agent's own policy", () => {
  test("is there whatever the values, and the backstop is not", async () => {
    expect(await policiesIn(cluster)).toBe(
      "nodelatch-agent nodelatch-webhook nodelatch-agent nodelatch-webhook",
    );
    await expectTyped(cluster, "nodelatch-agent");
  });

  const patch = (node: string, body: unknown): readonly string[] => [
    "patch",
    "node",
    node,
    "--type=merge",
    "--dry-run=server",
    "-p",
    JSON.stringify(body),
  ];

  test("its token may write the boot report of its own node", async () => {
    const report = { metadata: { annotations: { "nodelatch.io/boot-report": "{}" } } };
    const said = await cluster.kubectl(patch(NODE, report), { kubeconfig: token });
    expect(said).toContain("node/node1 patched");
  });

  test.each([
    ["another annotation", { metadata: { annotations: { "example.com/a": "b" } } }],
    ["a lock", { metadata: { annotations: { [LOCK]: "mine" } } }],
    ["an override", { metadata: { annotations: { [OVERRIDE]: "why" } } }],
    [
      "an uncordon that somebody else is to have asked for",
      { metadata: { annotations: { "nodelatch.io/uncordon-requested": "{}" } } },
    ],
    ["what keeps autoscalers away", { metadata: { annotations: { "karpenter.sh/do-not-disrupt": "true" } } }],
    ["a label", { metadata: { labels: { "example.com/a": "b" } } }],
    ["a finalizer", { metadata: { finalizers: ["example.com/a"] } }],
    ["an owner", { metadata: { ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "a", uid: "b" }] } }],
    ["a taint", { spec: { taints: [{ key: "example.com/a", effect: "NoExecute" }] } }],
    ["a provider's id", { spec: { providerID: "aws:///x" } }],
    ["a cordon", { spec: { unschedulable: true } }],
  ])("not %s", async (_what, body) => {
    const { code, stderr } = await cluster.tryKubectl(patch(NODE, body), { kubeconfig: token });
    expect(stderr).toContain("ValidatingAdmissionPolicy 'nodelatch-agent'");
    expect(code).toBe(1);
  });

  test("nothing of another node, and nothing at all with a token that names no node", async () => {
    const name = await createNode(world);
    const report = { metadata: { annotations: { "nodelatch.io/boot-report": "{}" } } };
    const other = await cluster.tryKubectl(patch(name, report), { kubeconfig: token });
    expect(other.stderr).toContain("its own Node only, which is node1");
    const unbound = await cluster.tokenKubeconfig("agent-unbound", {
      namespace: NAMESPACE,
      serviceAccount: "nodelatch-agent",
    });
    const any = await cluster.tryKubectl(patch(NODE, report), { kubeconfig: unbound });
    expect(any.stderr).toContain("its token names no node");
  });

  test("whatever RBAC were to give it: no create, no delete, no status, no uncordon of an unlocked node", async () => {
    const name = await createNode(world, { unschedulable: true });
    const agent = agentWithRights(name);
    const node = { apiVersion: "v1", kind: "Node", metadata: { name: `${name}-new` } };
    const refusals = [
      await world.send({ as: agent, method: "POST", path: "/api/v1/nodes", body: node }),
      await world.send({ as: agent, method: "DELETE", path: `/api/v1/nodes/${name}` }),
      await patchNode(
        world,
        name,
        agent,
        { status: { nodeInfo: nodeInfo("boot-2") } },
        { subresource: "status" },
      ),
      await patchNode(
        world,
        name,
        agent,
        { metadata: { annotations: { a: "b" } } },
        { subresource: "status" },
      ),
      await patchNode(world, name, agent, UNCORDON),
    ];
    for (const refusal of refusals) {
      expect(messageOf(refusal)).toContain("ValidatingAdmissionPolicy 'nodelatch-agent'");
    }
    expect(await stateOf(world, name)).toMatchObject({ cordoned: true });
  });

  test("a lock goes after the reboot, with the cordon, and with nothing else", async () => {
    const name = await lockedNode(world, { value: REBOOT });
    const agent = agentWithRights(name);
    for (const body of [STRIP, BOTH]) {
      const early = await patchNode(world, name, agent, body);
      expect(messageOf(early)).toContain("only if its release is reboot and the node has rebooted since");
    }
    await reboots(world, name);
    for (const more of [
      { metadata: { annotations: { [LOCK]: null, "example.com/a": "b" } } },
      { ...STRIP, spec: { taints: [{ key: "example.com/a", effect: "NoExecute" }] } },
      { metadata: { annotations: { [LOCK]: null }, labels: { "example.com/a": "b" } } },
      { metadata: { annotations: { [LOCK]: REBOOT } } },
    ]) {
      expect(messageOf(await patchNode(world, name, agent, more))).toContain("'nodelatch-agent'");
    }
    expect(messageOf(await patchNode(world, name, agent, UNCORDON))).toContain("'nodelatch-agent'");
    expect(messageOf(await patchNode(world, name, agentWithRights("other"), BOTH))).toContain(
      "which is other",
    );
    expect(await patchNode(world, name, agent, BOTH)).toMatchObject({ status: 200 });
    expect(await stateOf(world, name)).toEqual({ lock: undefined, cordoned: false });
  });

  test("what the latch gives back with the lock passes too, and an uncordon that was refused before", async () => {
    const annotations = { "cluster-autoscaler.kubernetes.io/scale-down-disabled": "no" };
    const name = await createNode(world, { unschedulable: true, annotations });
    const taken = { metadata: { annotations: { [LOCK]: REBOOT } } };
    expect(await patchNode(world, name, alice, taken)).toMatchObject({ status: 200 });
    expect(await patchNode(world, name, bob, UNCORDON)).toMatchObject({ status: 403 });
    const notes = async () => (await getNode(world, name)).metadata.annotations ?? {};
    await expect.poll(notes).toHaveProperty(["nodelatch.io/uncordon-requested"]);
    expect(await notes()).toMatchObject({
      "cluster-autoscaler.kubernetes.io/scale-down-disabled": "true",
      "karpenter.sh/do-not-disrupt": "true",
    });
    await reboots(world, name);
    // The guard would let it pass.
    const forged = { metadata: { annotations: { "nodelatch.io/uncordon-requested": "{}" } } };
    expect(messageOf(await patchNode(world, name, agentWithRights(name), forged))).toContain(
      "'nodelatch-agent'",
    );
    expect(await patchNode(world, name, agentWithRights(name), STRIP)).toMatchObject({ status: 200 });
    expect(await stateOf(world, name)).toEqual({ lock: undefined, cordoned: false });
    const after = await notes();
    expect(after).toMatchObject(annotations);
    expect(Object.keys(after)).not.toContain("karpenter.sh/do-not-disrupt");
    expect(Object.keys(after)).not.toContain("nodelatch.io/uncordon-requested");
  });

  test("a cordon from before the lock stays, whatever the agent sends", async () => {
    const name = await lockedNode(world, { value: REBOOT, unschedulable: true });
    await reboots(world, name);
    const agent = agentWithRights(name);
    // The policy answers before the guard is asked.
    expect(messageOf(await patchNode(world, name, agent, BOTH))).toContain("if it was not cordoned before");
    expect(await patchNode(world, name, agent, STRIP)).toMatchObject({ status: 200 });
    expect(await stateOf(world, name)).toEqual({ lock: undefined, cordoned: true });
  });

  test.each([
    ["another release", '{"reason":"kernel","release":"explicit"}'],
    [
      "a reason that looks like a record",
      '{"reason":"\\",\\"release\\":\\"reboot\\",\\"x\\":\\"","release":"explicit"}',
    ],
  ])("never a lock with %s", async (_what, value) => {
    const name = await lockedNode(world, { value });
    await reboots(world, name);
    expect(messageOf(await patchNode(world, name, agentWithRights(name), BOTH))).toContain(
      "'nodelatch-agent'",
    );
  });

  test("others are not asked about", async () => {
    const name = await createNode(world);
    expect(await patchNode(world, name, bob, { metadata: { labels: { a: "b" } } })).toMatchObject({
      status: 200,
    });
  });
});

/** The policy that keeps the webhook's own writes of Nodes to the one that it makes. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { annotationPointer } from "../../kube/annotation-pointer.ts";
import type { ApiAnswer, Identity } from "../scenarios/api-client.ts";
import {
  createNode,
  getNode,
  JSON_PATCH,
  lockedNode,
  messageOf,
  patchNode,
  UNCORDON,
} from "../scenarios/nodes.ts";
import { bob, type World } from "../scenarios/world.ts";
import { type Cluster, openTestCluster } from "./cluster/cluster.ts";
import { installNodelatch, NAMESPACE } from "./nodelatch.ts";
import { expectTyped, policiesIn } from "./policies.ts";
import { waitFor } from "./process/wait-for.ts";
import { realWorld, type RealWorld } from "./real-world.ts";

const POLICY = "nodelatch-webhook";
const REQUESTED = "nodelatch.io/uncordon-requested";
const DRY = "?dryRun=All";
/** With the rights that the chart gives it. */
const webhook: Identity = {
  user: `system:serviceaccount:${NAMESPACE}:nodelatch-webhook`,
  groups: ["system:serviceaccounts", "system:authenticated"],
};
/** As if somebody had given it every right on nodes. */
const withRights: Identity = { ...webhook, groups: ["node-writers", ...webhook.groups] };

interface Nodes {
  /** Locked and cordoned, with a refused uncordon of bob's. */
  readonly locked: string;
  /** Cordoned, not locked. */
  readonly open: string;
}

/** What the guard has nothing against, or is not asked about; all of them dry runs. */
const ATTACKS: readonly (readonly [string, (world: World, nodes: Nodes) => Promise<ApiAnswer>])[] = [
  ...(
    [
      ["another annotation", { metadata: { annotations: { "example.com/a": "b" } } }],
      ["the boot report", { metadata: { annotations: { "nodelatch.io/boot-report": "{}" } } }],
      ["what keeps autoscalers away", { metadata: { annotations: { "karpenter.sh/do-not-disrupt": null } } }],
      ["a label", { metadata: { labels: { "example.com/a": "b" } } }],
      ["a finalizer", { metadata: { finalizers: ["example.com/a"] } }],
      [
        "an owner",
        { metadata: { ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "a", uid: "b" }] } },
      ],
      ["a taint", { spec: { taints: [{ key: "example.com/a", effect: "NoExecute" }] } }],
      ["a provider's id", { spec: { providerID: "aws:///x" } }],
      ["the kept uncordon away", { metadata: { annotations: { [REQUESTED]: null } } }],
      [
        "its own annotation and a label",
        { metadata: { annotations: { [REQUESTED]: "{}" }, labels: { "example.com/a": "b" } } },
      ],
    ] as const
  ).map(
    ([what, body]) =>
      [
        what,
        (world: World, { locked }: Nodes) => patchNode(world, locked, webhook, body, { query: DRY }),
      ] as const,
  ),
  ["an uncordon", (world, { open }) => patchNode(world, open, webhook, UNCORDON, { query: DRY })],
  [
    "a lock",
    (world, { open }) =>
      patchNode(
        world,
        open,
        webhook,
        { metadata: { annotations: { "nodelatch.io/reboot-lock": "mine" } } },
        { query: DRY },
      ),
  ],
  [
    "a refused uncordon onto a node that is not locked",
    (world, { open }) =>
      patchNode(world, open, webhook, { metadata: { annotations: { [REQUESTED]: "{}" } } }, { query: DRY }),
  ],
  [
    "its own annotation through nodes/status",
    (world, { locked }) =>
      patchNode(
        world,
        locked,
        withRights,
        { metadata: { annotations: { [REQUESTED]: "{}" } } },
        { query: DRY, subresource: "status" },
      ),
  ],
  [
    "a condition",
    (world, { open }) =>
      patchNode(
        world,
        open,
        withRights,
        { status: { conditions: [{ type: "Ready", status: "False" }] } },
        { query: DRY, subresource: "status" },
      ),
  ],
  [
    "a new node",
    (world, { open }) => {
      const body = { apiVersion: "v1", kind: "Node", metadata: { name: `${open}-new` } };
      return world.send({ as: withRights, method: "POST", path: `/api/v1/nodes${DRY}`, body });
    },
  ],
  [
    "a delete",
    (world, { open }) =>
      world.send({ as: withRights, method: "DELETE", path: `/api/v1/nodes/${open}${DRY}` }),
  ],
];

let cluster: Cluster;
let world: RealWorld;
let nodes: Nodes;

beforeAll(async () => {
  cluster = await openTestCluster();
  await installNodelatch(cluster);
  world = await realWorld(cluster);
  nodes = { locked: await lockedNode(world), open: await createNode(world, { unschedulable: true }) };
  await takesEffect(403);
});
afterAll(async () => {
  // Helm makes anew what is missing.
  await installNodelatch(cluster);
  world.close();
});

/** The API server hears of a new or a deleted policy a moment later. */
async function takesEffect(status: 200 | 403): Promise<void> {
  const label = { metadata: { labels: { "example.com/a": "b" } } };
  await waitFor(
    `a label to get ${status}`,
    async () => {
      const answer = await patchNode(world, nodes.open, webhook, label, { query: DRY });
      const seen = `${answer.status} ${messageOf(answer)}`;
      return answer.status === status ? { done: true, value: undefined } : { done: false, seen };
    },
    { deadlineMillis: 90_000 },
  );
}

test("the policy comes with the right, compiles without a warning, and is bound", async () => {
  expect(await policiesIn(cluster)).toBe(`${POLICY} ${POLICY}`);
  await expectTyped(cluster, POLICY);
});

test("the webhook keeps a refused uncordon on its node, and may say it again", async () => {
  expect(await patchNode(world, nodes.locked, bob, UNCORDON)).toMatchObject({ status: 403 });
  const kept = async () => (await getNode(world, nodes.locked)).metadata.annotations?.[REQUESTED];
  await expect.poll(kept, { timeout: 60_000 }).toMatch(/"by":"bob"/);
  const path = annotationPointer(REQUESTED);
  for (const value of [await kept(), "{}"]) {
    const again = [{ op: "add", path, value }];
    expect(
      await patchNode(world, nodes.locked, webhook, again, { contentType: JSON_PATCH, query: DRY }),
    ).toMatchObject({ status: 200 });
  }
});

describe("with the policy", () => {
  test.each(ATTACKS)("refused: %s", async (_what, attack) => {
    const answer = await attack(world, nodes);
    expect(messageOf(answer)).toContain(`ValidatingAdmissionPolicy '${POLICY}'`);
    expect(answer.status).toBe(403);
  });

  test.each(["a condition", "a new node", "a delete"])("%s is refused as such", async (what) => {
    const [, attack] = ATTACKS.find(([name]) => name === what) ?? [];
    expect(attack === undefined ? what : messageOf(await attack(world, nodes))).toContain(
      "the webhook may only change Nodes, and nothing below them",
    );
  });

  test("others are not asked about", async () => {
    const body = { metadata: { labels: { "example.com/a": "b" } } };
    expect(await patchNode(world, nodes.open, bob, body, { query: DRY })).toMatchObject({ status: 200 });
  });
});

describe("without it", () => {
  beforeAll(async () => {
    await cluster.kubectl(["delete", "validatingadmissionpolicybinding", POLICY]);
    await takesEffect(200);
  });

  test.each(ATTACKS)("passes: %s", async (_what, attack) => {
    const answer = await attack(world, nodes);
    expect(`${answer.status} ${messageOf(answer)}`).toMatch(/^20[01] $/);
  });
});

/** Ordinary life of a cluster: it must neither be refused nor even reach the webhook. */
import { describe, expect, test } from "vitest";
import type { ApiAnswer } from "./api-client.ts";
import { createNode, lockedNode, MERGE, nodeInfo, patchNode } from "./nodes.ts";
import { bob, kubelet, type World } from "./world.ts";

type Write = (world: World, name: string, turn: number) => Promise<ApiAnswer>;

const WRITES: [string, Write][] = [
  [
    "status heartbeats",
    (world, name, turn) =>
      patchNode(
        world,
        name,
        kubelet(name),
        { status: { nodeInfo: nodeInfo("boot-1"), conditions: [heartbeat(turn)] } },
        { subresource: "status" },
      ),
  ],
  [
    "labels",
    (world, name, turn) =>
      patchNode(world, name, bob, { metadata: { labels: { "example.com/turn": `${turn}` } } }),
  ],
  [
    "annotations",
    (world, name, turn) =>
      patchNode(world, name, bob, { metadata: { annotations: { "example.com/turn": `${turn}` } } }),
  ],
  [
    "taints",
    (world, name, turn) =>
      patchNode(world, name, bob, {
        spec: { taints: [{ key: "example.com/turn", value: `${turn}`, effect: "PreferNoSchedule" }] },
      }),
  ],
  ["cordons", (world, name) => patchNode(world, name, bob, { spec: { unschedulable: true } })],
];

export function quietScenarios(world: () => World): void {
  describe.each([
    ["of a locked node", (to: World) => lockedNode(to)],
    ["of a node without lock", (to: World) => createNode(to)],
  ])("ordinary writes %s", (_name, makeNode) => {
    test.each(WRITES)("%s pass without a call of the webhook", { timeout: 180_000 }, async (_kind, write) => {
      const name = await makeNode(world());
      const before = await world().webhookCalls();
      for (let turn = 0; turn < world().writesOfEachKind; turn += 1) {
        expect(await write(world(), name, turn)).toMatchObject({ status: 200 });
      }
      expect((await world().webhookCalls()) - before).toBe(0);
    });
  });

  test("cordon and uncordon of nodes without lock pass without a call", { timeout: 180_000 }, async () => {
    const name = await createNode(world());
    const before = await world().webhookCalls();
    for (let turn = 0; turn < world().writesOfEachKind; turn += 1) {
      const answer = await patchNode(world(), name, bob, { spec: { unschedulable: turn % 2 === 0 } });
      expect(answer).toMatchObject({ status: 200 });
    }
    expect((await world().webhookCalls()) - before).toBe(0);
  });

  test("the count is real: a refused uncordon raises it", async () => {
    const name = await lockedNode(world());
    const before = await world().webhookCalls();
    await patchNode(world(), name, bob, { spec: { unschedulable: null } }, { contentType: MERGE });
    expect((await world().webhookCalls()) - before).toBeGreaterThan(0);
  });
}

function heartbeat(turn: number): Record<string, string> {
  const at = new Date(Date.UTC(2026, 0, 1) + turn * 1_000).toISOString().replace(/\.\d+Z$/, "Z");
  return {
    type: "Ready",
    status: "True",
    reason: "KubeletReady",
    message: `turn ${turn}`,
    lastHeartbeatTime: at,
    lastTransitionTime: at,
  };
}

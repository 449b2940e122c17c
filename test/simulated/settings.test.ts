/** Settings that no scenario has, from the webhook's flags to what becomes of a request. */
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { refusalsOf } from "../scenarios/events.ts";
import {
  createNode,
  getNode,
  LOCK,
  lockedNode,
  messageOf,
  patchNode,
  reboots,
  stateOf,
  STRIP,
  UNCORDON,
} from "../scenarios/nodes.ts";
import { alice, bob, kubelet, type World } from "../scenarios/world.ts";
import { startStage, type Stage } from "./stage.ts";

const REBOOT = '{"release":"reboot"}';

let stage: Stage;
let world: World;
beforeAll(async () => {
  stage = await startStage({
    webhookFlags: ["--accept-node-identity=true", "--autoscalers=ignore", "--carry-out-uncordons=false"],
  });
  world = { send: stage.client.send, webhookCalls: async () => Promise.resolve(0), writesOfEachKind: 0 };
}, 120_000);
afterAll(async () => stage.close());

test("with --accept-node-identity a node ends its own lock once it reports another boot, and no other", async () => {
  const name = await lockedNode(world, { value: REBOOT });
  const early = await patchNode(world, name, kubelet(name), STRIP);
  expect(early.status).toBe(403);
  expect(messageOf(early)).toContain("the reboot is not proven");
  await reboots(world, name);
  expect(await patchNode(world, name, { ...bob, user: "system:node:other" }, STRIP)).toMatchObject({
    status: 403,
  });
  expect(await patchNode(world, name, kubelet(name), STRIP)).toMatchObject({ status: 200 });
  expect(await stateOf(world, name)).toEqual({ lock: undefined, cordoned: true });

  const explicit = await lockedNode(world);
  await reboots(world, explicit);
  expect(messageOf(await patchNode(world, explicit, kubelet(explicit), STRIP))).toContain(
    'the agent releases only locks with release "reboot"',
  );
});

test("with --autoscalers=ignore a lock tells them nothing", async () => {
  const name = await createNode(world, { annotations: { "example.com/a": "b" } });
  await patchNode(world, name, alice, { metadata: { annotations: { [LOCK]: "x" } } });
  const { annotations = {} } = (await getNode(world, name)).metadata;
  expect(Object.keys(annotations).toSorted()).toEqual(["example.com/a", LOCK]);
  expect(JSON.parse(annotations[LOCK] ?? "")).not.toHaveProperty("autoscalers");
});

test("with --carry-out-uncordons=false a refused uncordon is told, and neither kept nor carried out", async () => {
  const name = await lockedNode(world);
  expect(await patchNode(world, name, bob, UNCORDON)).toMatchObject({ status: 403 });
  // The Event is written beside it.
  await expect.poll(async () => refusalsOf(world, name), { timeout: 15_000 }).toHaveLength(1);
  await delay(300);
  expect((await getNode(world, name)).metadata.annotations).not.toHaveProperty([
    "nodelatch.io/uncordon-requested",
  ]);
  expect(await patchNode(world, name, alice, STRIP)).toMatchObject({ status: 200, warnings: [] });
  expect(await stateOf(world, name)).toEqual({ lock: undefined, cordoned: true });
});

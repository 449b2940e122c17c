/** Reboot tools where Nodelatch does not know them, and where its webhook is away. */
import { once } from "node:events";
import { expect, test } from "vitest";
import type { ApiAnswer } from "../scenarios/api-client.ts";
import { createNode, messageOf, patchNode, stateOf } from "../scenarios/nodes.ts";
import { kured } from "../scenarios/tool-identities.ts";
import { bob, type World } from "../scenarios/world.ts";
import { startStage, type Stage, type StageOptions } from "./stage.ts";

const CORDON = { spec: { unschedulable: true } };
const UNCORDON = { spec: { unschedulable: null } };

async function onStage(
  options: StageOptions,
  act: (world: World, stage: Stage) => Promise<void>,
): Promise<void> {
  const stage = await startStage(options);
  try {
    const webhookCalls = (): Promise<number> =>
      Promise.resolve([...stage.api.webhookCalls().values()].reduce((sum, calls) => sum + calls, 0));
    await act({ send: stage.client.send, webhookCalls, writesOfEachKind: 1 }, stage);
  } finally {
    await stage.close();
  }
}

test("without tools, anybody undoes kured's cordon: what the tools are for", { timeout: 60_000 }, () =>
  onStage({ tools: [] }, async (world) => {
    const name = await createNode(world);
    await patchNode(world, name, kured(name), CORDON);
    expect(await patchNode(world, name, bob, UNCORDON)).toMatchObject({ status: 200 });
    expect(await stateOf(world, name)).toEqual({ lock: undefined, cordoned: false });
    expect(await world.webhookCalls()).toBe(0);
  }),
);

test(
  "with the webhook away, a tool's cordon and its release are refused, people's cordon passes",
  {
    timeout: 60_000,
  },
  () =>
    onStage({}, async (world, { webhook }) => {
      const name = await createNode(world);
      const other = await createNode(world);
      await patchNode(world, other, kured(other), CORDON);
      const locked = await stateOf(world, other);
      const gone = once(webhook, "exit");
      webhook.kill("SIGKILL");
      await gone;

      const notAnswered = (answer: ApiAnswer, who: string): void => {
        expect(answer.status).toBe(500);
        expect(messageOf(answer)).toContain(`failed calling webhook "${who}.nodelatch.io"`);
      };
      notAnswered(await patchNode(world, name, kured(name), CORDON), "latch-tools");
      expect(await stateOf(world, name)).toEqual({ lock: undefined, cordoned: false });
      notAnswered(await patchNode(world, other, kured(other), UNCORDON), "latch-tools");
      notAnswered(await patchNode(world, other, bob, UNCORDON), "guard");
      expect(await stateOf(world, other)).toEqual(locked);

      const label = { metadata: { labels: { "example.com/kured": "draining" } } };
      expect(await patchNode(world, other, kured(other), label)).toMatchObject({ status: 200 });
      expect(await patchNode(world, name, bob, CORDON)).toMatchObject({ status: 200 });
      expect(await stateOf(world, name)).toEqual({ lock: undefined, cordoned: true });
    }),
);

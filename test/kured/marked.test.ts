/** kured with --annotate-nodes, and a tool whose mark takes the lock: that covers nodes that were cordoned before. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startStage, type Stage } from "../simulated/stage.ts";
import { createApp, releaseApp } from "./apps.ts";
import { embeddedWorld } from "./embedded-world.ts";
import { expectFree, expectNoTrouble, expectSafeReboots } from "./expectations.ts";
import { IN_PROGRESS } from "./kured.ts";
import { gatedCommand, KURED_USER } from "./options.ts";
import { withStand } from "./stand.ts";
import type { KuredWorld } from "./world.ts";

let stage: Stage;
let world: KuredWorld;

beforeAll(async () => {
  const tool = {
    preset: "kured",
    lockOn: { annotationAdded: IN_PROGRESS },
    releaseOn: { annotationRemoved: IN_PROGRESS },
  };
  stage = await startStage({ tools: [tool] });
  world = embeddedWorld(stage.client.send);
}, 120_000);
afterAll(() => stage.close());

const cordoned = { spec: { unschedulable: true } };

describe.concurrent("a tool that locks with its mark", () => {
  test("locks a node that was cordoned before; it reboots, and the cordon stays as it was", async () => {
    await withStand(world, { kured: { annotateNodes: true }, ...cordoned }, async (stand) => {
      stand.kured.start();
      await stand.beforeReboot(async () => {
        expect(await stand.record()).toMatchObject({
          holder: KURED_USER,
          reason: "marked by kured",
          wasUnschedulable: true,
        });
      });
      await stand.until("the lock to go", async () => {
        const gone = (await stand.record()) === undefined;
        return gone && stand.machine.reboots.length > 0;
      });
      await stand.untilLogged("Reboot not required");
      expect(await stand.view()).toMatchObject({ unschedulable: true });
      expect(await stand.annotations()).not.toHaveProperty([IN_PROGRESS]);
      expectSafeReboots(stand, 1);
      expectNoTrouble(stand);
    });
  });

  test("locks before the cordon on any other node, and all is gone in the end", async () => {
    await withStand(world, { kured: { annotateNodes: true } }, async (stand) => {
      stand.kured.start();
      await stand.untilDone();
      await stand.untilLogged("Reboot not required");
      expectSafeReboots(stand, 1);
      expectNoTrouble(stand);
    });
  });

  test("locks anew after a failed drain, though the mark has stayed", async () => {
    // Long enough to be killed in, before it begins anew.
    const kured = { annotateNodes: true, drainTimeoutMillis: 300, periodMillis: 2_000 };
    await withStand(world, { kured }, async (stand) => {
      await createApp(stand, "app", { finalizer: "example.com/hold" });
      stand.kured.start();
      await stand.untilLogged("Uncordoned");
      await stand.kured.kill();
      // Though the mark has not been taken away.
      await expectFree(stand);
      stand.kured.options = { ...stand.kured.options, periodMillis: 250 };
      stand.kured.start();
      await releaseApp(stand, "app");
      await stand.untilDone();
      expectSafeReboots(stand, 1);
      expectNoTrouble(stand);
    });
  });

  test("keeps a cordoned node's lock through a reboot command that fails, until one succeeds", async () => {
    const kured = { annotateNodes: true, rebootCommand: "exit 7" };
    await withStand(world, { kured, ...cordoned }, async (stand) => {
      stand.kured.start();
      await stand.until("a failure", () => stand.kured.exits.length > 0);
      await stand.kured.kill();
      expect(await stand.record()).toMatchObject({ holder: KURED_USER });
      stand.kured.options = { ...stand.kured.options, rebootCommand: gatedCommand("verify", "reboot") };
      stand.kured.start();
      await stand.until("the lock to go", async () => (await stand.record()) === undefined);
      expect(await stand.view()).toMatchObject({ unschedulable: true });
      expectSafeReboots(stand, 1);
    });
  });
});

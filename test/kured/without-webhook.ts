/** A webhook that is away in mid-cycle. These run alone: the webhook is everybody's. */
import { expect, test } from "vitest";
import { bob } from "../scenarios/world.ts";
import { expectFree, expectNoTrouble, expectSafeReboots } from "./expectations.ts";
import { withStand } from "./stand.ts";
import type { KuredWorld } from "./world.ts";

const uncordon = { spec: { unschedulable: null } };

export interface WebhookSwitch {
  /** Nothing of Nodelatch's webhook answers any more. */
  readonly stop: () => Promise<void>;
  /** All is as before. */
  readonly start: () => Promise<void>;
}

export function withoutWebhookScenarios(world: () => KuredWorld, webhook: WebhookSwitch): void {
  test("no webhook: kured's cordon is refused, it retries cleanly, and all is well once the webhook is back", async () => {
    await withStand(world(), {}, async (stand) => {
      const { kured, machine } = stand;
      await webhook.stop();
      try {
        kured.start();
        await stand.untilLogged("Unable to cordon or drain", 2);
        await expectFree(stand);
        expect(machine.gate).toEqual([]);
        expect(kured.exits).toEqual([]);
      } finally {
        await webhook.start();
      }
      await stand.untilDone();
      expect(kured.exits).toEqual([]);
      expectSafeReboots(stand, 1);
    });
  });

  test("the webhook goes in kured's delay and comes back after the boot: safe, and free in the end", async () => {
    await withStand(world(), {}, async (stand) => {
      const { kured, machine } = stand;
      kured.start();
      try {
        await stand.beforeReboot(async () => {
          await webhook.stop();
          expect((await stand.patch(bob, uncordon)).status).toBe(500);
        });
        await stand.until("the reboot", () => machine.reboots.length > 0);
        await stand.until("kured's uncordon to be refused", () => kured.exits.length > 0);
        expect(await stand.view()).toMatchObject({ unschedulable: true });
      } finally {
        await webhook.start();
      }
      await stand.untilDone();
      expectSafeReboots(stand, 1);
      const exits = kured.exits.length;
      await stand.untilLogged("Reboot not required", 2);
      expect(kured.exits).toHaveLength(exits);
    });
  });

  test("the webhook answers again before kured comes to its uncordon: nobody notices", async () => {
    await withStand(world(), {}, async (stand) => {
      stand.kured.start();
      await stand.beforeReboot(async () => {
        await webhook.stop();
        await webhook.start();
      });
      await stand.untilDone();
      expectSafeReboots(stand, 1);
      expectNoTrouble(stand);
    });
  });
}

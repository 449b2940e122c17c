/** kured's ordinary days: what it sends, and that the lock comes and goes inside its own requests. */
import { describe, expect, test } from "vitest";
import { IN_PROGRESS, MOST_RECENT } from "./kured.ts";
import { bob } from "../scenarios/world.ts";
import { createApp, hasApp } from "./apps.ts";
import { expectFree, expectNoTrouble, expectSafeReboots } from "./expectations.ts";
import { KURED_USER } from "./options.ts";
import { withStand, withStands, type Stand } from "./stand.ts";
import type { KuredWorld } from "./world.ts";

const LABELS = {
  preRebootNodeLabels: { "example.com/rebooting": "yes" },
  postRebootNodeLabels: { "example.com/rebooting": "no" },
};

export function cycleScenarios(world: () => KuredWorld): void {
  describe.concurrent("an ordinary cycle", () => {
    test("locks with the cordon, drains, reboots and releases with the uncordon", async () => {
      await withStand(world(), { kured: { rebootDelayMillis: 100 } }, async (stand) => {
        const { kured, machine, node } = stand;
        await createApp(stand, "app");
        const before = await stand.annotations();
        kured.start();
        await stand.beforeReboot(async () => {
          const { uid } = await stand.view();
          expect(await stand.record()).toMatchObject({
            holder: KURED_USER,
            holderNode: node,
            reason: "cordoned by kured",
            nodeUID: uid,
            bootID: "boot-1",
            wasUnschedulable: false,
            release: "reboot",
          });
          expect(await hasApp(stand, "app")).toBe(false);
        });
        await stand.untilDone();
        expect(kured.nodeWrites()).toEqual([
          'PATCH {"spec":{"unschedulable":true}} 200',
          'PATCH {"spec":{"unschedulable":null}} 200',
        ]);
        expect(machine.gate).toEqual([
          `open: locked by ${KURED_USER} (cordoned by kured), cordoned and drained`,
        ]);
        expectSafeReboots(stand, 1);
        expectNoTrouble(stand);
        // It has let go of its own lock as well, and leaves it at that.
        await stand.untilLogged("Reboot not required", 2);
        expectSafeReboots(stand, 1);
        expect(await stand.annotations()).toEqual(before);
      });
    });

    test("with annotations and labels: the same lock, nothing lost", async () => {
      await withStand(world(), { kured: { annotateNodes: true, ...LABELS } }, async (stand) => {
        const { kured } = stand;
        kured.start();
        await stand.untilDone();
        await stand.untilLogged("Reboot not required");
        expect(kured.nodeWrites()).toEqual([
          "PATCH whole node 200",
          'PATCH {"metadata":{"labels":{"example.com/rebooting":"yes"}}} 200',
          'PATCH {"spec":{"unschedulable":true}} 200',
          'PATCH {"spec":{"unschedulable":null}} 200',
          'PATCH {"metadata":{"labels":{"example.com/rebooting":"no"}}} 200',
          `PATCH [{"op":"remove","path":"/metadata/annotations/${IN_PROGRESS.replace("/", "~1")}"}] 200`,
        ]);
        const annotations = await stand.annotations();
        expect(annotations).not.toHaveProperty([IN_PROGRESS]);
        expect(annotations[MOST_RECENT]).toMatch(/Z$/);
        expectSafeReboots(stand, 1);
        expectNoTrouble(stand);
      });
    });

    test("again and again leaves nothing behind", async () => {
      await withStand(world(), {}, async (stand) => {
        stand.kured.start();
        for (let turn = 1; turn <= 3; turn += 1) {
          stand.machine.rebootRequired = true;
          await stand.untilDone(turn);
          expectSafeReboots(stand, turn);
        }
        expectNoTrouble(stand);
      });
    });

    test("of a control plane's node: static pods stay, its taint and labels too", async () => {
      const taint = { key: "node-role.kubernetes.io/control-plane", effect: "NoSchedule" };
      const labels = { "node-role.kubernetes.io/control-plane": "" };
      await withStand(world(), { labels, spec: { taints: [taint] } }, async (stand) => {
        await createApp(stand, "etcd", { mirror: true });
        await createApp(stand, "app");
        stand.kured.start();
        await stand.untilDone();
        expectSafeReboots(stand, 1);
        expectNoTrouble(stand);
        expect(await hasApp(stand, "etcd")).toBe(true);
      });
    });

    test("by a token that names no node: the lock names none either, and every pod of that user holds it", async () => {
      await withStand(world(), { bound: false }, async (stand) => {
        stand.kured.start();
        await stand.beforeReboot(async () => {
          const record = await stand.record();
          expect(record).toMatchObject({ holder: KURED_USER });
          expect(record).not.toHaveProperty("holderNode");
          const elsewhere = { user: KURED_USER, groups: ["node-writers"], node: "other" };
          const uncordon = { spec: { unschedulable: null } };
          expect(await stand.patch(elsewhere, uncordon, "?dryRun=All")).toMatchObject({ status: 200 });
          expect(await stand.patch(bob, uncordon, "?dryRun=All")).toMatchObject({ status: 403 });
        });
        await stand.untilDone();
        expectSafeReboots(stand, 1);
        expectNoTrouble(stand);
      });
    });

    test("of two nodes at once, where kured may", async () => {
      const kured = { concurrency: 2 };
      await withStands(world(), [{ kured }, { kured }], async (stands) => {
        for (const stand of stands) stand.kured.start();
        // Neither reboots before both have come so far.
        const both = async (): Promise<void> => {
          for (const stand of stands) {
            await stand.until("its lock", async () => (await stand.record())?.holderNode === stand.node);
          }
        };
        await Promise.all(stands.map(async (stand) => stand.beforeReboot(both)));
        for (const stand of stands) {
          await stand.untilDone();
          expectSafeReboots(stand, 1);
          expectNoTrouble(stand);
        }
      });
    });

    test("of two nodes, one after the other, where it may not", async () => {
      await withStands(world(), [{}, {}], async (stands) => {
        const others = ({ node }: Stand): Stand[] => stands.filter((stand) => stand.node !== node);
        const free = async (stand: Stand): Promise<void> => {
          for (const other of others(stand)) await expectFree(other);
        };
        for (const stand of stands) stand.kured.start();
        await Promise.all(stands.map(async (stand) => stand.beforeReboot(async () => free(stand))));
        expect(stands.some(({ kured }) => kured.logged("Lock already held") > 0)).toBe(true);
        for (const stand of stands) {
          await stand.untilDone();
          expectSafeReboots(stand, 1);
          expectNoTrouble(stand);
        }
      });
    });

    test("is not begun where no reboot is wanted", async () => {
      await withStand(world(), {}, async (stand) => {
        stand.machine.rebootRequired = false;
        stand.kured.start();
        await stand.untilLogged("Reboot not required", 3);
        await expectFree(stand);
        expect(stand.kured.nodeWrites()).toEqual([]);
      });
    });
  });
}

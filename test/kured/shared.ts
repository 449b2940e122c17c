/** Nodes on which others have a say too: their lock, their cordon. */
import { describe, expect, test } from "vitest";
import { LOCK } from "../scenarios/nodes.ts";
import { alice, bob } from "../scenarios/world.ts";
import { createApp } from "./apps.ts";
import { expectSafeReboots } from "./expectations.ts";
import { withStand } from "./stand.ts";
import type { KuredWorld } from "./world.ts";

const lock = { metadata: { annotations: { [LOCK]: "disk swap" } } };
const unlock = { metadata: { annotations: { [LOCK]: null } } };
const uncordon = { spec: { unschedulable: null } };

export function sharedScenarios(world: () => KuredWorld): void {
  describe.concurrent("on a node of somebody else", () => {
    test("kured's cordon of a locked node is refused; it waits without a crash until the lock is gone", async () => {
      await withStand(world(), {}, async (stand) => {
        const { kured } = stand;
        expect(await stand.patch(alice, lock)).toMatchObject({ status: 200 });
        kured.start();
        await stand.untilLogged("Unable to cordon or drain", 2);
        expect(kured.log.join("\n")).toContain("is locked for reboot by alice (disk swap)");
        expect(kured.exits).toEqual([]);
        const cordons = kured.nodeWrites().map((write) => write.replace(/ \d+$/, ""));
        expect(new Set(cordons)).toEqual(new Set(['PATCH {"spec":{"unschedulable":true}}']));
        expect(await stand.record()).toMatchObject({ holder: "alice" });
        expect(await stand.patch(alice, unlock)).toMatchObject({ status: 200 });
        await stand.untilDone();
        expect(kured.exits).toEqual([]);
        expectSafeReboots(stand, 1);
      });
    });

    test("a forced reboot of such a node stops at the gate", async () => {
      await withStand(world(), { kured: { forceReboot: true } }, async (stand) => {
        await stand.patch(alice, lock);
        stand.kured.start();
        await stand.until("kured to give up", () => stand.kured.exits.length >= 2);
        expectSafeReboots(stand, 0);
        expect(stand.machine.gate[0]).toContain("is held by alice");
        expect(await stand.record()).toMatchObject({ holder: "alice" });
      });
    });

    test("locked and cordoned: kured sends no cordon, the gate stays shut, and both stay", async () => {
      await withStand(world(), {}, async (stand) => {
        const { kured, machine } = stand;
        await stand.patch(alice, { ...lock, spec: { unschedulable: true } });
        kured.start();
        await stand.until("two tries", () => kured.exits.length >= 2);
        expect(kured.nodeWrites()).toEqual([]);
        expect(machine.gate.every((words) => words.startsWith("closed: "))).toBe(true);
        expect(machine.gate[0]).toContain("is held by alice");
        expect(await stand.record()).toMatchObject({ holder: "alice", wasUnschedulable: false });
        expectSafeReboots(stand, 0);
        expect(await stand.patch(alice, { ...unlock, ...uncordon })).toMatchObject({ status: 200 });
        await stand.untilDone();
        expectSafeReboots(stand, 1);
      });
    });

    test("locked, cordoned, and the drain fails: kured's uncordon is refused, it exits, holding nothing", async () => {
      await withStand(world(), { kured: { drainTimeoutMillis: 300 } }, async (stand) => {
        const { kured } = stand;
        await stand.patch(alice, { ...lock, spec: { unschedulable: true } });
        await createApp(stand, "app", { finalizer: "example.com/hold" });
        kured.start();
        await stand.until("two tries", () => kured.exits.length >= 2);
        expect(kured.exits[0]?.message).toContain("is locked for reboot by alice (disk swap)");
        expect(await stand.view()).toMatchObject({ unschedulable: true });
        expect(await stand.record()).toMatchObject({ holder: "alice" });
        expectSafeReboots(stand, 0);
      });
    });

    test("cordoned without a lock: kured neither locks nor reboots it, and the cordon stays", async () => {
      await withStand(world(), { spec: { unschedulable: true } }, async (stand) => {
        const { kured, machine } = stand;
        kured.start();
        await stand.until("two tries", () => kured.exits.length >= 2);
        expect(kured.nodeWrites()).toEqual([]);
        expect(machine.gate[0]).toContain("has no reboot lock");
        expect(await stand.view()).toMatchObject({ unschedulable: true });
        expectSafeReboots(stand, 0);
        expect(await stand.patch(bob, uncordon)).toMatchObject({ status: 200 });
        await stand.untilDone();
        expectSafeReboots(stand, 1);
      });
    });
  });
}

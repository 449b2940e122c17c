/** What can come between kured's cordon and its reboot: then there is no reboot, and kured tries again. */
import { describe, expect, test } from "vitest";
import { autoscaler, bob, breaker, clusterAdmin, kubelet } from "../scenarios/world.ts";
import { LOCK, OVERRIDE } from "../scenarios/nodes.ts";
import { Adversary, ATTACKS } from "./adversary.ts";
import { createApp, hasApp, releaseApp } from "./apps.ts";
import { expectFree, expectNoTrouble, expectSafeReboots } from "./expectations.ts";
import { KURED_USER } from "./options.ts";
import { createNode, withStand, type Stand } from "./stand.ts";
import type { KuredWorld } from "./world.ts";

const breakGlass = { [OVERRIDE]: "disk on fire" };

const DISTURBANCES: readonly (readonly [string, string, (stand: Stand) => Promise<unknown>])[] = [
  [
    "the node was uncordoned by break-glass",
    "is not cordoned",
    async (stand) =>
      stand.patch(breaker, { metadata: { annotations: breakGlass }, spec: { unschedulable: null } }),
  ],
  [
    "the lock is gone, though the cordon stays",
    "has no reboot lock",
    async (stand) => stand.patch(breaker, { metadata: { annotations: breakGlass } }),
  ],
  [
    "the lock is now somebody else's",
    "is held by carol",
    async (stand) => {
      await stand.patch(breaker, { metadata: { annotations: breakGlass } });
      await stand.patch(breaker, { metadata: { annotations: { [LOCK]: '{"release":"uncordon"}' } } });
      // Until it is released kured can't uncordon: it would exit again and again.
      void stand
        .until("kured to give up", () => stand.kured.exits.length > 1)
        .then(async () => stand.patch(breaker, { spec: { unschedulable: null } }));
    },
  ],
  ["a pod was put there", "1 pod is left", async (stand) => createApp(stand, "app")],
  [
    "the node has rebooted behind kured's back",
    "it has rebooted since",
    async ({ machine }) => machine.boot(),
  ],
  [
    "the node was deleted and is back, cordoned",
    "has no reboot lock",
    async ({ world, node, kured }) => {
      const deleted = await world.send({ as: autoscaler, method: "DELETE", path: `/api/v1/nodes/${node}` });
      expect(deleted.status).toBe(200);
      await createNode(world, node, kured.options.dsName, { spec: { unschedulable: true } });
    },
  ],
];

export function interruptedScenarios(world: () => KuredWorld): void {
  describe.concurrent("in kured's delay", () => {
    test("and in its drain nobody else can uncordon, strip or delete, whatever the request looks like", async () => {
      await withStand(world(), {}, async (stand) => {
        const { node, kured } = stand;
        const elsewhere = {
          user: KURED_USER,
          groups: ["node-writers", "system:authenticated"],
          node: "other",
        };
        const people = [bob, clusterAdmin, kubelet(node), elsewhere];
        const adversary = new Adversary(world().send, node, people);
        await createApp(stand, "app", { finalizer: "example.com/hold" });
        const before = await stand.annotations();
        kured.start();
        await stand.untilLogged("Draining");
        await adversary.round();
        await releaseApp(stand, "app");
        await stand.beforeReboot(async () => adversary.round());
        await stand.untilDone();
        expect(adversary.through).toEqual([]);
        expect(adversary.tries.length).toBe(2 * ATTACKS.length * people.length);
        // Nothing that the refusals may have left on the node outlives the lock.
        expect(await stand.annotations()).toEqual(before);
        expectSafeReboots(stand, 1);
        expectNoTrouble(stand);
      });
    });

    test.each(DISTURBANCES)("the gate stays shut if %s", async (_what, said, disturb) => {
      await withStand(world(), {}, async (stand) => {
        const { kured, machine } = stand;
        kured.start();
        await stand.beforeReboot(async () => disturb(stand));
        await stand.until("kured to give up", () => kured.exits.length > 0);
        expect(kured.exits[0]?.message).toContain("Unable to reboot node: error invoking reboot command");
        expect(machine.gate[0]).toMatch(/^closed: /);
        expect(machine.gate[0]).toContain(said);
        expect(machine.reboots).toEqual([]);
        // Undisturbed, it comes to its reboot.
        await stand.untilDone();
        expectSafeReboots(stand, 1);
      });
    });

    test("kured killed: it uncordons at its start, the lock goes along, and it begins anew", async () => {
      await withStand(world(), { kured: { rebootDelayMillis: 60_000 } }, async (stand) => {
        const { kured, machine } = stand;
        kured.start();
        await stand.untilLogged("Delaying reboot");
        expect(await stand.record()).toMatchObject({ holder: KURED_USER });
        await kured.kill();
        expect(await stand.patch(bob, { spec: { unschedulable: null } })).toMatchObject({ status: 403 });
        kured.options = { ...kured.options, rebootDelayMillis: 0 };
        kured.start();
        await stand.untilLogged("Uncordoned");
        expect(machine.reboots).toEqual([]);
        await stand.untilDone();
        expect(kured.nodeWrites()).toEqual([
          'PATCH {"spec":{"unschedulable":true}} 200',
          'PATCH {"spec":{"unschedulable":null}} 200',
          'PATCH {"spec":{"unschedulable":true}} 200',
          'PATCH {"spec":{"unschedulable":null}} 200',
        ]);
        expectSafeReboots(stand, 1);
        expectNoTrouble(stand);
      });
    });
  });

  describe.concurrent("when kured's own step fails", () => {
    test("a drain that never ends: uncordoned and unlocked, without an exit, and again", async () => {
      await withStand(world(), { kured: { drainTimeoutMillis: 500 } }, async (stand) => {
        const { kured, machine } = stand;
        await createApp(stand, "app", { finalizer: "example.com/hold" });
        kured.start();
        await stand.untilLogged("Performing a best-effort uncordon", 2);
        expect(machine.reboots).toEqual([]);
        await releaseApp(stand, "app");
        await stand.untilDone();
        expect(await hasApp(stand, "app")).toBe(false);
        expectSafeReboots(stand, 1);
        // Not even the state from before the lock is lost: it was schedulable each time.
        expect(JSON.parse(machine.reboots[0]?.lock ?? "null")).toMatchObject({ wasUnschedulable: false });
        expectNoTrouble(stand);
      });
    });

    test("a drain that never ends, and a forced reboot: it stops at the gate", async () => {
      const kured = { drainTimeoutMillis: 300, forceReboot: true };
      await withStand(world(), { kured }, async (stand) => {
        const { machine } = stand;
        await createApp(stand, "app", { finalizer: "example.com/hold" });
        stand.kured.start();
        await stand.until("two tries", () => stand.kured.exits.length >= 2);
        expect(machine.gate[0]).toContain("1 pod is left");
        expectSafeReboots(stand, 0);
        await releaseApp(stand, "app");
        await stand.untilDone();
        expectSafeReboots(stand, 1);
      });
    });

    test("a reboot command that fails: kured exits, uncordons and unlocks, locks anew, for ever", async () => {
      const rebootCommand = "/bin/sh -c 'exit 7'";
      await withStand(world(), { kured: { rebootCommand } }, async (stand) => {
        const { kured, machine } = stand;
        kured.start();
        await stand.until("two cycles", () => kured.exits.length >= 2);
        await stand.until("the third start", () => kured.logged("Uncordoned") >= 2);
        expect(machine.reboots).toEqual([]);
        expect(kured.sent.filter(({ status }) => status >= 400)).toEqual([]);
        machine.rebootRequired = false;
        await stand.untilLogged("Reboot not required");
        await expectFree(stand);
      });
    });

    test("a command without a shell around it: it fails at once instead of waiting for ever", async () => {
      const rebootCommand = `verify --holder ${KURED_USER} && reboot`;
      await withStand(world(), { kured: { rebootCommand } }, async (stand) => {
        stand.kured.start();
        await stand.until("kured to give up", () => stand.kured.exits.length > 0);
        expect(stand.kured.exits[0]?.message).toContain("exit status 64");
        expect(stand.kured.logged("Waiting for reboot")).toBe(0);
        expectSafeReboots(stand, 0);
      });
    });
  });
}

/** Where the real kured holds no lock in the end: a drain that fails, a node that was cordoned before, a kured without gate. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { patchNode } from "../scenarios/nodes.ts";
import { bob } from "../scenarios/world.ts";
import { createApp, deleteApp, keepApp, runningApp } from "./app.ts";
import { nodeWrites } from "./audit.ts";
import { gateLine, NODE, Stand } from "./stand.ts";

const CORDON = 'PATCH {"spec":{"unschedulable":true}} 200';
const UNCORDON = 'PATCH {"spec":{"unschedulable":null}} 200';

let stand: Stand;
beforeAll(async () => {
  stand = await Stand.open();
});
afterAll(async () => stand.close());

test("the drain fails: kured's own uncordon ends the lock, and nothing stays behind", async () => {
  await createApp(stand.cluster);
  await keepApp(stand.cluster);
  try {
    // A period that is longer than the drain: kured would begin anew at once, as its next look is overdue.
    await stand.deploy(["--period=40s", "--drain-timeout=20s", `--reboot-command=${gateLine("10s")}`]);
    await stand.machine.requireReboot();
    await stand.until("the lock", async () => (await stand.state()).lock !== undefined);
    await stand.until("the drain to fail", () => stand.logged("Performing a best-effort uncordon") > 0);
    await stand.machine.requireNoReboot();
    await stand.until("the uncordon", async () => !(await stand.state()).cordoned);
    expect(await stand.state()).toEqual({ lock: undefined, cordoned: false });
    await stand.until("kured to be content", () => stand.logged("Reboot not required") > 0);
    expect(await stand.ownLock()).toBe("");
    expect(stand.logged("level=fatal")).toBe(0);
    expect(nodeWrites(await stand.sent())).toEqual([CORDON, UNCORDON]);
    expect(await runningApp(stand.cluster)).not.toBe("");
  } finally {
    await deleteApp(stand.cluster);
  }
});

test("cordoned before: kured sends no cordon, nothing is locked, and the gate is closed", async () => {
  await patchNode(stand.admin, NODE, bob, { spec: { unschedulable: true } });
  await stand.deploy(["--period=15s", `--reboot-command=${gateLine("10s")}`]);
  await stand.machine.requireReboot();
  await stand.until("the gate's no", () => stand.logged("Unable to reboot node") > 0, 300_000);
  await stand.machine.requireNoReboot();
  expect(nodeWrites(await stand.sent())).toEqual([]);
  expect(stand.machine.reboots).toBe(0);
  await stand.until("its own lock to be given up", async () => (await stand.ownLock()) === "");
  expect(await stand.state()).toEqual({ lock: undefined, cordoned: true });
  expect(await patchNode(stand.admin, NODE, bob, { spec: { unschedulable: null } })).toMatchObject({
    status: 200,
  });
});

test("without the gate in its command: the doctor names it, with the line to set", async () => {
  expect((await stand.nodelatch("doctor")).out).not.toContain("does not ask the gate");
  await stand.deploy(["--period=15s"]);
  const { out } = await stand.nodelatch("doctor");
  expect(out).toContain("DaemonSet kube-system/kured does not ask the gate");
  expect(out).toMatch(/-> give it --reboot-command="\/bin\/sh -c '.*\/run\/nodelatch\/verify /);
});

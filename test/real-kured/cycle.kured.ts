/** A whole cycle of the real kured: refused while the webhook is away, besieged, gated, rebooted, and free in the end. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { scaleWebhook, waitUntilAnswering } from "../cluster/nodelatch.ts";
import { KURED_USER } from "../kured/options.ts";
import { LOCK, type LockState } from "../scenarios/nodes.ts";
import { nodeWrites } from "./audit.ts";
import { createApp, deleteApp, runningApp } from "./app.ts";
import { besiege } from "./siege.ts";
import { gateLine, NODE, Stand } from "./stand.ts";

const CORDON = '{"spec":{"unschedulable":true}}';
const UNCORDON = '{"spec":{"unschedulable":null}}';

let stand: Stand;
beforeAll(async () => {
  stand = await Stand.open();
  await createApp(stand.cluster);
  await stand.deploy(["--period=15s", "--reboot-delay=30s", `--reboot-command=${gateLine("2m")}`]);
});
afterAll(async () => {
  await deleteApp(stand.cluster);
  await stand.close();
});

test("the webhook is away: the cordon is refused, kured gives up its lock and comes again", async () => {
  await scaleWebhook(stand.cluster, 0);
  try {
    await stand.machine.requireReboot();
    await stand.until("two refused cordons", () => stand.logged("Unable to cordon or drain") >= 2);
    expect(await stand.state()).toEqual({ lock: undefined, cordoned: false });
    expect(await runningApp(stand.cluster)).not.toBe("");
    expect(new Set(nodeWrites(await stand.sent()))).toEqual(new Set([`PATCH ${CORDON} 500`]));
    expect(stand.logged("level=fatal")).toBe(0);
    await stand.until("its own lock to be given up", async () => (await stand.ownLock()) === "");
  } finally {
    await scaleWebhook(stand.cluster, 2);
    await waitUntilAnswering(stand.cluster);
  }
});

test("locked by its own cordon, besieged, gated, rebooted once, released by its own uncordon", async () => {
  const bootBefore = await stand.bootID();
  const seen: Record<string, LockState & { readonly app: string }> = {};
  stand.machine.onPower = async (state) => {
    seen[state] = { ...(await stand.state()), app: await runningApp(stand.cluster) };
  };
  await stand.until("the lock", async () => (await stand.state()).lock !== undefined);
  const endSiege = besiege(stand);
  const { lock } = await stand.state();
  expect(JSON.parse(lock ?? "")).toMatchObject({
    holder: KURED_USER,
    holderNode: NODE,
    bootID: bootBefore,
    reason: "cordoned by kured",
    release: "reboot",
    wasUnschedulable: false,
  });
  await stand.until("the delay", () => stand.logged("Delaying reboot") > 0);
  await stand.until("the boot", () => stand.machine.reboots === 1, 300_000);
  const { tries, through, rounds } = await endSiege();
  console.log(`besieged: ${rounds} rounds, ${tries.length} requests, ${through.length} got through`);
  expect(through).toEqual([]);
  expect(rounds).toBeGreaterThan(30);
  // 500 while the webhook's pods are down with the node.
  expect(new Set(tries.map(({ status }) => status))).toEqual(new Set([403, 500]));
  expect(seen["going"]).toEqual({ lock, cordoned: true, app: "" });
  expect(seen["on"]).toMatchObject({ lock, cordoned: true });

  await stand.until("the release", async () => (await stand.state()).lock === undefined, 300_000);
  expect(await stand.state()).toEqual({ lock: undefined, cordoned: false });
  expect(await stand.bootID()).not.toBe(bootBefore);
  await stand.until("its own lock to be given up", async () => (await stand.ownLock()) === "");
  await stand.until("kured to be content", () => stand.logged("Reboot not required") > 0);
  await stand.until("the app to run again", async () => (await runningApp(stand.cluster)) !== "");
  expect(stand.machine.reboots).toBe(1);
  expect(await stand.state()).toEqual({ lock: undefined, cordoned: false });
});

test("what it sent is what the stand-in sends, and the answer to its cordon had the lock", async () => {
  const sent = await stand.sent();
  const accepted = nodeWrites(sent).filter((write) => !write.endsWith(" 500"));
  expect(accepted).toEqual([`PATCH ${CORDON} 200`, `PATCH ${UNCORDON} 200`]);
  const cordon = sent.find(({ body, status }) => status === 200 && JSON.stringify(body) === CORDON);
  expect(cordon?.answer).toMatchObject({
    metadata: { annotations: { [LOCK]: expect.stringContaining(`"holder":"${KURED_USER}"`) as unknown } },
    spec: { unschedulable: true },
  });
  console.log(`kured's client: ${cordon?.userAgent ?? ""}`);
});

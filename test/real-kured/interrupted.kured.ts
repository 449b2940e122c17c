/** The real kured killed in its delay, and its lock broken in the next; with --annotate-nodes. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { IN_PROGRESS, MOST_RECENT } from "../kured/kured.ts";
import { getNode } from "../scenarios/nodes.ts";
import { nodeWrites } from "./audit.ts";
import { gateLine, NODE, Stand } from "./stand.ts";

const CORDON = 'PATCH {"spec":{"unschedulable":true}} 200';
const UNCORDON = 'PATCH {"spec":{"unschedulable":null}} 200';
const MARK = "PATCH whole node 200";
const UNMARK = `PATCH [{"op":"remove","path":"/metadata/annotations/${IN_PROGRESS.replace("/", "~1")}"}] 200`;

let stand: Stand;
let bootBefore: string;
beforeAll(async () => {
  stand = await Stand.open();
  bootBefore = await stand.bootID();
  const flags = ["--annotate-nodes", "--period=15s", "--reboot-delay=20s"];
  await stand.deploy([...flags, `--reboot-command=${gateLine("10s")}`]);
  await stand.machine.requireReboot();
});
afterAll(async () => stand.close());

async function writes(): Promise<readonly string[]> {
  return nodeWrites(await stand.sent());
}

test("killed in its delay: its uncordon is accepted and ends the lock, and it begins anew", async () => {
  await stand.until("the delay", () => stand.logged("Delaying reboot") > 0);
  const first = (await stand.state()).lock;
  expect(first).toContain(`"holderNode":"${NODE}"`);
  expect((await getNode(stand.admin, NODE)).metadata.annotations).toHaveProperty([IN_PROGRESS]);
  await stand.killKured();
  await stand.until("its uncordon", async () => (await stand.state()).lock === undefined);
  expect(await stand.state()).toEqual({ lock: undefined, cordoned: false });
  // A reboot is still required, so the mark stays and is not set again.
  expect(await writes()).toEqual([MARK, CORDON, UNCORDON]);
  await stand.until("the next lock", async () => (await stand.state()).lock !== undefined);
  expect((await stand.state()).lock).not.toBe(first);
  expect(stand.logged("level=fatal")).toBe(0);
  expect(stand.machine.reboots).toBe(0);
});

test("its lock is broken in the delay: the gate says no, nothing reboots, kured exits and begins anew", async () => {
  await stand.until("the next delay", () => stand.logged("Delaying reboot") > 1);
  const unlock = await stand.nodelatch("unlock", NODE, "--force", "--reason", "disk on fire");
  expect(unlock).toMatchObject({ code: 0 });
  expect((await stand.state()).lock).toBeUndefined();
  await stand.until("kured to exit", () => stand.logged("Unable to reboot node") > 0);
  expect(stand.log.find((line) => line.includes("Unable to reboot node"))).toContain("level=fatal");
  expect(stand.machine.reboots).toBe(0);
  expect(await stand.bootID()).toBe(bootBefore);
  await stand.until("the third lock", async () => (await stand.state()).lock !== undefined);
});

test("the third time it reboots, and all ends well", async () => {
  await stand.until("the boot", () => stand.machine.reboots === 1, 300_000);
  expect(await stand.state()).toMatchObject({ cordoned: true, lock: expect.any(String) as unknown });
  await stand.until("the release", async () => (await stand.state()).lock === undefined, 300_000);
  await stand.until("its own lock to be given up", async () => (await stand.ownLock()) === "");
  await stand.until("kured to be content", () => stand.logged("Reboot not required") > 0);
  expect(await stand.state()).toEqual({ lock: undefined, cordoned: false });
  expect(stand.machine.reboots).toBe(1);
  const { annotations } = (await getNode(stand.admin, NODE)).metadata;
  expect(annotations).not.toHaveProperty([IN_PROGRESS]);
  expect(annotations).toHaveProperty([MOST_RECENT]);
  // Only the exit after the gate's no.
  expect(stand.logged("level=fatal")).toBe(1);
});

test("what it sent is what the stand-in sends", async () => {
  // After the break the node was not cordoned any more, so there was nothing to uncordon.
  expect(await writes()).toEqual([MARK, CORDON, UNCORDON, CORDON, CORDON, UNCORDON, UNMARK]);
});

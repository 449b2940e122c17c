/** What the quarantine does when something fails or ends in the middle, and what it does not take for its own. */
import { mkdirSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { NetworkLock } from "../network-lock.ts";
import { contentOf, doneOf, freeLock, never, RemovalKit } from "../testing/removal-kit.ts";
import { quickFiles, systemError, watchedFiles } from "../testing/watched-files.ts";

const DAY = 86_400;
const PODS = "/var/lib/cni/networks/pods";
const all = { kind: "all" } as const;
let kit: RemovalKit;
beforeEach(() => {
  kit = new RemovalKit();
});
afterEach(() => kit.close());

async function move(numbers: readonly number[], files = quickFiles) {
  const leases = numbers.map((number) => kit.lease(`10.0.0.${number}`, contentOf(number)));
  return kit.removal(files, { takeLock: freeLock }).apply.leases(kit.order(leases), never);
}

function later(seconds: number): void {
  kit.clock.uptime += seconds;
  kit.clock.wallMillis += seconds * 1_000;
}

it("a file that can't be moved is tried once", async () => {
  let tries = 0;
  const files = watchedFiles((method, [from]) => {
    if (method !== "renameSync" || !String(from).endsWith("10.0.0.2")) return;
    tries += 1;
    throw systemError("EIO");
  });
  expect(doneOf(await move([2], files)).get("10.0.0.2")?.kind).toBe("failed");
  expect([tries, kit.drawers().length]).toEqual([1, 1]);
});

it("every file that is opened is closed", async () => {
  let open = 0;
  const files = watchedFiles((method) => {
    if (method === "openSync") open += 1;
    if (method === "closeSync") open -= 1;
  });
  await move([2]);
  await move([3, 4], files);
  expect(open).toBe(0);
});

it("a directory that is no drawer is none", async () => {
  await move([2]);
  const notes = join(kit.drawers()[0] ?? "", "../notes/files");
  mkdirSync(notes, { recursive: true });
  writeFileSync(join(notes, "10.0.0.9"), "a person's");
  expect((await kit.removal().quarantine.usage()).files).toBe(1);
});

it("a drawer is dropped as far as its caller lets it", async () => {
  await move([2, 3, 4]);
  later(15 * DAY);
  const giveUp = new AbortController();
  const files = watchedFiles((method, [path]) => {
    if (method === "unlinkSync" && String(path).includes("/files/")) giveUp.abort();
  });
  await kit.removal(files).quarantine.prune(giveUp.signal);
  expect(kit.quarantined().size).toBe(2);
});

it("of two drawers the one without a record stays, and the other is put back", async () => {
  await move([2]);
  later(7_200);
  await move([3]);
  unlinkSync(join(kit.drawers()[1] ?? "", "origin.json"));
  const { restored } = await kit.removal(quickFiles, { takeLock: freeLock }).quarantine.restore(all, never);
  expect(restored).toEqual([`${PODS}/10.0.0.2`]);
  // As if it were the oldest: it is looked at last.
  await move([4]);
  expect([...kit.quarantined().keys()]).toContain("no record/10.0.0.3");
});

it("a restore lets go of the lock, whatever became of it", async () => {
  await move([2, 3]);
  let held = 0;
  const takeLock = async (): Promise<NetworkLock> => {
    held += 1;
    return { kind: "held", release: () => (held -= 1) };
  };
  const files = watchedFiles((method, [from]) => {
    if (method === "linkSync" && String(from).endsWith("10.0.0.3")) throw systemError("EIO");
  });
  const { restored } = await kit.removal(files, { takeLock }).quarantine.restore(all, never);
  expect([restored.length, held]).toEqual([1, 0]);
});

it("what could not be written through is told, and tried again", async () => {
  let isBroken = true;
  const synced: string[] = [];
  let opened = "";
  const files = watchedFiles((method, [path]) => {
    if (method === "openSync") opened = String(path);
    if (method !== "fsyncSync" || opened !== kit.network) return;
    if (isBroken) throw systemError("EIO");
    synced.push(opened);
  });
  const { apply, quarantine } = kit.removal(files, { takeLock: freeLock });
  await apply.leases(kit.order([kit.lease("10.0.0.2", contentOf(2))]), never);
  await quarantine.prune(never);
  expect((await quarantine.usage()).problem).toMatch(/^prune the quarantine: EIO/);
  isBroken = false;
  await quarantine.prune(never);
  expect(synced).toEqual([kit.network]);
  expect((await quarantine.usage()).problem).toBeUndefined();
});

it("a drawer that another process makes at the same moment is not taken for one's own", async () => {
  let isFirst = true;
  const files = watchedFiles((method, [path]) => {
    if (method !== "mkdirSync" || !String(path).endsWith("/000001") || !isFirst) return;
    isFirst = false;
    mkdirSync(String(path));
    throw systemError("EEXIST");
  });
  await move([2], files);
  expect(kit.drawers().map((path) => path.split("/").at(-1))).toEqual(["000001", "000002"]);
  expect([...kit.quarantined().values()]).toEqual([contentOf(2)]);
});

it("what is put into a drawer after it was counted counts as well", async () => {
  const { apply, quarantine } = kit.removal(quickFiles, { takeLock: freeLock });
  for (const number of [2, 3]) {
    await apply.leases(kit.order([kit.lease(`10.0.0.${number}`, contentOf(number))]), never);
    expect((await quarantine.usage()).files).toBe(number - 1);
  }
  expect(kit.drawers()).toHaveLength(1);
});

/** The agent ends before each single call of the file system: nothing is lost, and what is left works on. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { contentOf, freeLock, kindsOf, never, RemovalKit } from "./testing/removal-kit.ts";
import { quickFiles, systemError, watchedFiles } from "./testing/watched-files.ts";

const NAMES = ["10.0.0.2", "10.0.0.3"];
const MOST_STEPS = 300;
let kit: RemovalKit;
beforeEach(() => {
  kit = new RemovalKit();
});
afterEach(() => kit.close());

const leaseAll = () => NAMES.map((name, index) => kit.lease(name, contentOf(index)));

/**
 * A process that can't do anything any more from its Nth call on, as a dead one. `whole` if it was done before.
 * @param across whether networks and quarantine are on two file systems.
 */
function dying(step: number, across: boolean) {
  let left = step;
  const files = watchedFiles((method, args) => {
    if (left-- <= 0) throw systemError("EKILLED");
    const [from = "", to = ""] = args.map(String);
    const isBetween = from.includes("/networks/") !== to.includes("/networks/");
    if (across && isBetween && (method === "renameSync" || method === "linkSync")) throw systemError("EXDEV");
  });
  return { removal: kit.removal(files, { takeLock: freeLock }), isWhole: () => left > 0 };
}

/** Where the bytes of each name are. @throws Error if they are nowhere, or not whole where they should be */
function places(): readonly string[] {
  const quarantined = kit.quarantined();
  return NAMES.map((name, index) => {
    const isThere = kit.names().includes(name);
    const inPlace = isThere ? readFileSync(join(kit.network, name), "utf8") : undefined;
    const kept = quarantined.get(`/var/lib/cni/networks/pods/${name}`);
    for (const content of [inPlace, kept]) {
      if (content !== undefined && content !== contentOf(index)) {
        throw new Error(`${name} is ${JSON.stringify(content)}`);
      }
    }
    if (inPlace === undefined && kept === undefined) throw new Error(`${name} is lost`);
    return `${isThere ? "in place" : ""}${kept === undefined ? "" : " kept"}`.trim();
  });
}

/** Whatever was left, the next process finishes the work. */
async function expectMovedByNext(): Promise<void> {
  const rest = kit.names().filter((name) => NAMES.includes(name));
  const leases = rest.map((name) => kit.lease(name, contentOf(NAMES.indexOf(name))));
  const again = await kit.removal(quickFiles, { takeLock: freeLock }).apply.leases(kit.order(leases), never);
  expect(Object.values(kindsOf(again))).toEqual(rest.map(() => "moved"));
  expect(places()).toEqual(["kept", "kept"]);
}

describe("an end at any call of the file system", () => {
  it.each([
    ["within a file system", false],
    ["between two", true],
  ])("of a move %s leaves each lease where it was or in quarantine with its record", async (_, across) => {
    const seen = new Set<string>();
    let step = 0;
    for (let isWhole = false; !isWhole; step += 1) {
      kit.close();
      kit = new RemovalKit();
      const leases = leaseAll();
      const { removal, isWhole: cameToEnd } = dying(step, across);
      await removal.apply.leases(kit.order(leases), never);
      isWhole = cameToEnd();
      for (const place of places()) seen.add(place);
      await expectMovedByNext();
      expect(step).toBeLessThan(MOST_STEPS);
    }
    expect(step).toBeGreaterThan(40);
    expect([...seen]).toEqual(expect.arrayContaining(["in place", "kept"]));
  });

  it.each([
    ["within a file system", false, 0],
    // Copied, and not removed yet: then the one in its place is what counts.
    ["between two", true, NAMES.length],
  ])("of a restore %s leaves each lease in quarantine or where it was", async (_, across, mostCopies) => {
    let step = 0;
    for (let isWhole = false; !isWhole; step += 1) {
      kit.close();
      kit = new RemovalKit();
      await kit.removal(quickFiles, { takeLock: freeLock }).apply.leases(kit.order(leaseAll()), never);
      const { removal, isWhole: cameToEnd } = dying(step, across);
      await removal.quarantine.restore({ kind: "all" }, never);
      isWhole = cameToEnd();
      places();
      await kit.removal(quickFiles, { takeLock: freeLock }).quarantine.restore({ kind: "all" }, never);
      expect(kit.quarantined().size).toBeLessThanOrEqual(mostCopies);
      expect(places().map((place) => place.slice(0, 8))).toEqual(["in place", "in place"]);
      expect(step).toBeLessThan(MOST_STEPS);
    }
    expect(step).toBeGreaterThan(20);
  });

  it("by a real SIGKILL is the same", async () => {
    const ends = new Set<string>();
    for (const step of [10, 30, 38, 44, 50, MOST_STEPS]) {
      kit.close();
      kit = new RemovalKit();
      leaseAll();
      const program = join(import.meta.dirname, "testing", "killed-mover.ts");
      const run = spawnSync(process.execPath, [program, kit.root, String(step)], { encoding: "utf8" });
      ends.add(run.signal ?? `${run.stdout.trim()} ${run.status}${run.stderr}`);
      places();
      await expectMovedByNext();
    }
    expect([...ends]).toEqual(["SIGKILL", "whole 0"]);
  });
});

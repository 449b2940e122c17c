import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { proven } from "../testing/proven.ts";
import { cacheFingerprint } from "./fingerprint.ts";
import { Memory, type PassMemory } from "./memory.ts";
import { parseLeaseRecord, toJson, type WrittenRecord } from "./record.ts";
import { makeMemoryStore } from "./store.ts";

const BOOT_A = "0d3ce8a4-2b6c-4f2e-9a52-6f0f6f1f8a11";
const BOOT_B = "7a1f0c1e-55d4-4f0a-8f0e-2f4b5a6c7d88";
const ID = "1".repeat(64);
const OTHER_ID = "2".repeat(64);
const lease = cacheFingerprint("/n", "lease");
const other = cacheFingerprint("/n", "other");

function pass(memory: Memory, see: (now: PassMemory) => void, isWhole = true): void {
  const now = memory.begin();
  see(now);
  memory.end(now, isWhole);
}

function recordOf(memory: Memory): WrittenRecord {
  const record = memory.toRecord();
  if (record === undefined) throw new Error("no record");
  return record;
}

/** The same memory in another process. */
function restarted(memory: Memory, bootID: string | undefined): Memory {
  const parsed = parseLeaseRecord(JSON.parse(JSON.stringify(toJson(recordOf(memory)))));
  return new Memory(parsed.kind === "record" ? parsed.record : undefined, bootID);
}

describe("an earlier boot", () => {
  const first = new Memory(undefined, BOOT_A);
  pass(first, (now) => now.note(lease, ID));

  test("what this boot saw is of no earlier one, after a restart neither", () => {
    expect(first.isFromEarlierBoot(lease)).toBe(false);
    expect(restarted(first, BOOT_A).isFromEarlierBoot(lease)).toBe(false);
  });

  test("what another boot saw is, and stays so across restarts while it is there", () => {
    const second = restarted(first, BOOT_B);
    expect([second.isFromEarlierBoot(lease), second.isFromEarlierBoot(other)]).toEqual([true, false]);
    expect([first.knowsEarlierBoot, second.knowsEarlierBoot]).toEqual([false, true]);
    pass(second, (now) => now.note(lease, ID));
    const third = restarted(second, BOOT_B);
    expect([third.isFromEarlierBoot(lease), third.knowsEarlierBoot]).toEqual([true, true]);
    pass(third, () => {});
    expect(restarted(third, BOOT_B).isFromEarlierBoot(lease)).toBe(false);
  });

  test("where the boot can't be told, nothing is", () => {
    const blind = restarted(first, undefined);
    expect([blind.isFromEarlierBoot(lease), blind.wasListed(ID)]).toEqual([false, false]);
    expect(blind.toRecord()).toBeUndefined();
  });

  test("a pass that did not see everything forgets nothing", () => {
    const second = restarted(first, BOOT_B);
    pass(second, () => {}, false);
    expect(restarted(second, BOOT_B).isFromEarlierBoot(lease)).toBe(true);
  });
});

describe("ids that a runtime has listed", () => {
  test("are known while a file names them, and across boots", () => {
    const memory = new Memory(undefined, BOOT_A);
    expect(memory.wasListed(ID)).toBe(false);
    pass(memory, (now) => now.noteLists(proven({ ready: [ID], others: [OTHER_ID] })));
    expect([memory.wasListed(ID), memory.wasListed(OTHER_ID)]).toEqual([true, true]);
    pass(memory, (now) => now.note(lease, ID));
    expect([memory.wasListed(ID), memory.wasListed(OTHER_ID)]).toEqual([true, false]);
    expect(restarted(memory, BOOT_A).wasListed(ID)).toBe(true);
    expect(restarted(memory, BOOT_B).wasListed(ID)).toBe(true);
  });
});

describe("orphans", () => {
  test("count from their first sighting, in this process alone", () => {
    const memory = new Memory(undefined, BOOT_A);
    expect(memory.orphanMillis(lease, 0)).toBeUndefined();
    pass(memory, (now) => now.noteOrphan(lease, 1_000.1));
    // Never longer than it was.
    expect(memory.orphanMillis(lease, 2_500)).toBe(500);
    pass(memory, (now) => now.noteOrphan(lease, 5_000));
    expect(memory.orphanMillis(lease, 602_000)).toBe(600_000);
    expect(restarted(memory, BOOT_A).orphanMillis(lease, 602_000)).toBeUndefined();
  });

  test("start anew after a whole pass that did not see them so", () => {
    const memory = new Memory(undefined, BOOT_A);
    pass(memory, (now) => now.noteOrphan(lease, 0));
    pass(memory, (now) => now.noteOrphan(other, 50_000), false);
    expect(memory.orphanMillis(lease, 60_000)).toBe(60_000);
    pass(memory, (now) => now.note(lease, ID));
    expect(memory.orphanMillis(lease, 60_000)).toBeUndefined();
    pass(memory, (now) => now.noteOrphan(lease, 70_000));
    pass(memory, () => {});
    expect(memory.orphanMillis(lease, 80_000)).toBeUndefined();
  });
});

test("the stamp changes with what the journal is told, and with nothing else", () => {
  const memory = new Memory(undefined, BOOT_A);
  const stamps = [memory.stamp()];
  const after = (see: (now: PassMemory) => void): void => {
    pass(memory, see);
    stamps.push(memory.stamp());
  };
  after((now) => now.note(lease, ID));
  after((now) => {
    now.note(other, ID);
    now.note(lease, ID);
  });
  after((now) => now.note(other, ID));
  after((now) => {
    now.note(other, ID);
    now.noteLists(proven({ ready: [ID] }));
  });
  expect(new Set(stamps).size).toBe(stamps.length);
  const same = memory.stamp();
  pass(memory, (now) => {
    now.noteLists(proven({ ready: [ID] }));
    now.note(other, ID);
    now.noteOrphan(other, 5_000);
  });
  expect(memory.stamp()).toBe(same);
});

test("a runtime that answered before in this boot is missed, not one of another boot", () => {
  const memory = new Memory(undefined, BOOT_A);
  pass(memory, (now) => now.noteLists(proven({ runtimes: ["/run/a.sock", "/run/b.sock"] })));
  expect(memory.missingRuntimes(proven({ runtimes: ["/run/b.sock"] }))).toEqual(["/run/a.sock"]);
  expect(restarted(memory, BOOT_A).missingRuntimes(proven({ runtimes: [] })).length).toBe(2);
  expect(restarted(memory, BOOT_B).missingRuntimes(proven({ runtimes: [] }))).toEqual([]);
});

test("boots are counted up to ten, the oldest goes", () => {
  let memory = new Memory(undefined, BOOT_A);
  for (let boot = 0; boot < 12; boot += 1) {
    memory = restarted(memory, `boot-${boot}`);
    pass(memory, (now) => now.noteRemoved("/n"));
    pass(memory, (now) => now.noteRemoved("/n"));
  }
  expect(memory.boots.map(({ bootID }) => bootID)).toEqual(
    Array.from({ length: 10 }, (_none, index) => `boot-${index + 2}`),
  );
  expect(memory.boots.at(-1)?.stale).toEqual({ "/n": 2 });
});

test.each([
  ["a list", []],
  ["no boot", { bootID: "" }],
  ["maps that are none", { bootID: "b", runtimes: [], boots: [], seen: "AAAA", earlier: "", listed: "" }],
  ["maps of other characters", { bootID: "b", runtimes: [], boots: [], seen: "%", earlier: "", listed: "" }],
  ["runtimes of numbers", { bootID: "b", runtimes: [1], boots: [], seen: "", earlier: "", listed: "" }],
  ["a tally of texts", { bootID: "b", runtimes: [], boots: [{ bootID: "b", stale: { n: "1" } }], seen: "" }],
])("a record that is %s", (_what, value) => {
  expect(parseLeaseRecord(value).kind).toBe("bad");
});

describe("the file", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "nodelatch-memory-"));
  });
  afterEach(async () => rm(folder, { recursive: true }));

  test("is written when something changed, and read again", async () => {
    const path = join(folder, "state/leases.json");
    let writes = 0;
    const store = makeMemoryStore({
      path,
      readOnly: false,
      write: async (file, text) => {
        writes += 1;
        const { writeWholeFile } = await import("../../host/files/whole-file.ts");
        await writeWholeFile(file, text);
      },
    });
    expect(await store.load()).toEqual({ kind: "absent" });
    const memory = new Memory(undefined, BOOT_A);
    pass(memory, (now) => now.note(lease, ID));
    const save = async () => store.save(memory);
    expect([await save(), await save(), writes]).toEqual([undefined, undefined, 1]);
    pass(memory, (now) => now.note(other, ID));
    expect([await save(), writes]).toEqual([undefined, 2]);
    const read = await makeMemoryStore({ path, readOnly: false }).load();
    expect(read.kind === "read" && new Memory(read.record, BOOT_B).isFromEarlierBoot(other)).toBe(true);
  });

  test("a disk that takes nothing is told", async () => {
    await writeFile(join(folder, "taken"), "");
    const store = makeMemoryStore({ path: join(folder, "taken/leases.json"), readOnly: false });
    const memory = new Memory(undefined, BOOT_A);
    expect(await store.save(memory)).toContain("taken/leases.json");
  });

  test("a corrupt one is moved aside, but not by a look that changes nothing", async () => {
    const path = join(folder, "leases.json");
    await writeFile(path, "");
    const look = makeMemoryStore({ path, readOnly: true });
    expect((await look.load()).kind).toBe("corrupt");
    const memory = new Memory(undefined, BOOT_A);
    expect(await look.save(memory)).toBeUndefined();
    expect([await readdir(folder), await readFile(path, "utf8")]).toEqual([["leases.json"], ""]);
    expect((await makeMemoryStore({ path, readOnly: false }).load()).kind).toBe("corrupt");
    expect(await readdir(folder)).toEqual(["leases.json.corrupt"]);
  });
});

import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { writeWholeFile } from "../files/whole-file.ts";
import { makeLogLines } from "../testing/log-lines.ts";
import { VirtualTime } from "../testing/virtual-time.ts";
import { emptyHostRecord, parseHostRecord, type HostRecord } from "./host-record.ts";
import { openJournal, type Journal } from "./journal.ts";

const bootID = "0f8c1d9e-6a3b-4c55-9a70-3c1b2d4e5f60";

let folder = "";
let path = "";
let ends = new AbortController();
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nodelatch-journal-"));
  path = join(folder, "journal.json");
  ends = new AbortController();
});
afterEach(async () => {
  ends.abort();
  await rm(folder, { recursive: true, force: true });
});

interface Opening {
  readonly write?: (path: string, text: string) => Promise<void>;
  readonly time?: VirtualTime;
  readonly lines?: ReturnType<typeof makeLogLines>;
}

async function open(opening: Opening = {}): Promise<Journal<HostRecord>> {
  return openJournal({
    path,
    version: 1,
    parse: parseHostRecord,
    empty: emptyHostRecord,
    time: opening.time ?? new VirtualTime(),
    log: (opening.lines ?? makeLogLines()).log,
    signal: ends.signal,
    ...(opening.write === undefined ? {} : { write: opening.write }),
  });
}

const noted = (journal: Journal<HostRecord>) => journal.update((record) => ({ ...record, bootID }));

describe("the journal", () => {
  test("remembers across a restart", async () => {
    const journal = await open();
    expect(journal.opened).toEqual({ kind: "absent" });
    journal.update(() => ({ bootID, lastAddress: { address: "10.0.0.7", interface: "eth0" } }));
    expect(await journal.flush()).toEqual({ kind: "saved" });
    const again = await open();
    expect(again.opened.kind).toBe("read");
    expect(again.current()).toEqual({ bootID, lastAddress: { address: "10.0.0.7", interface: "eth0" } });
  });

  test("an update that changes nothing writes nothing", async () => {
    const first = await open();
    noted(first);
    await first.flush();
    let writes = 0;
    const journal = await open({ write: async () => void (writes += 1) });
    noted(journal);
    await journal.flush();
    expect([journal.opened.kind, writes]).toEqual(["read", 0]);
  });

  test("many updates in a row end with the last one in the file, written one at a time", async () => {
    let atOnce = 0;
    let most = 0;
    const journal = await open({
      async write(file, text) {
        most = Math.max(most, (atOnce += 1));
        await writeWholeFile(file, text);
        atOnce -= 1;
      },
    });
    for (let index = 0; index < 20; index += 1) {
      journal.update((record) => ({ ...record, bootID: `boot-${index}` }));
    }
    expect(await journal.flush()).toEqual({ kind: "saved" });
    expect([most, (await open()).current().bootID]).toEqual([1, "boot-19"]);
  });

  test.each([
    ["cut short", '{"version":1,"rec', "it is not JSON"],
    ["zero bytes, as after a power cut", "", "it is empty"],
    ["another version", '{"version":2,"record":{}}', "version 2; expected 1"],
    ["no envelope", '{"bootID":"x"}', 'expected {"version", "record"}'],
    ["null", "null", 'expected {"version", "record"}'],
    ["a record of the wrong shape", '{"version":1,"record":[]}', "record: expected an object"],
    ["a boot ID that is a number", '{"version":1,"record":{"bootID":5}}', "record.bootID: 5; expected text"],
    [
      "half an address",
      '{"version":1,"record":{"lastAddress":{"address":"10.0.0.7"}}}',
      'record.lastAddress: {"address":"10.0.0.7"}; expected {"address", "interface"}',
    ],
  ])("%s: moved aside, said, and started empty", async (_what, text, reason) => {
    await writeFile(path, text);
    const lines = makeLogLines();
    const journal = await open({ lines });
    expect(journal.opened).toEqual({
      kind: "corrupt",
      reason: `${path}: ${reason}`,
      movedTo: `${path}.corrupt`,
    });
    expect(journal.current()).toEqual(emptyHostRecord);
    expect(await readFile(`${path}.corrupt`, "utf8")).toBe(text);
    expect(lines.lines).toEqual([{ level: 50, msg: "journal is corrupt; starting an empty one" }]);
    noted(journal);
    await journal.flush();
    expect((await open()).current().bootID).toBe(bootID);
    expect((await readdir(folder)).toSorted()).toEqual(["journal.json", "journal.json.corrupt"]);
  });

  test("a directory in its place can't be read or written, and is no reason to stop", async () => {
    await mkdir(join(path, "inside"), { recursive: true });
    const journal = await open();
    expect(journal.opened.kind).toBe("unreadable");
    noted(journal);
    expect(await journal.flush()).toMatchObject({ kind: "unsaved" });
    expect(journal.current().bootID).toBe(bootID);
  });

  test("a full disk is told once, tried again ever more rarely, and written when there is room", async () => {
    const time = new VirtualTime();
    const lines = makeLogLines();
    let full = true;
    const journal = await open({
      time,
      lines,
      async write(file, text) {
        if (full) throw new Error(`write ${file}`, { cause: new Error("ENOSPC: no space left on device") });
        await writeWholeFile(file, text);
      },
    });
    noted(journal);
    await time.pass(3_600_000);
    expect(journal.state()).toMatchObject({
      kind: "unsaved",
      reason: `write ${path}: ENOSPC: no space left on device`,
    });
    // Half the jitter: 0.75 of 1, 2, 4 ... 300 s.
    expect(time.sleeps.slice(0, 3)).toEqual([750, 1_500, 3_000]);
    expect(Math.max(...time.sleeps)).toBe(225_000);
    expect(time.sleeps.length).toBeLessThan(30);
    full = false;
    await time.pass(300_000);
    await journal.flush();
    expect(journal.state()).toEqual({ kind: "saved" });
    expect((await open()).current().bootID).toBe(bootID);
    expect(lines.lines.map((line) => line.msg)).toEqual([
      "journal can't be written; retrying",
      "journal is written again",
    ]);
    expect(time.sleeping).toBe(0);
  });

  test("the agent's end ends the tries", async () => {
    const time = new VirtualTime();
    let tries = 0;
    const journal = await open({
      time,
      async write() {
        tries += 1;
        throw new Error("EROFS");
      },
    });
    noted(journal);
    await time.pass(0);
    ends.abort();
    await time.pass(3_600_000);
    expect([tries, time.sleeping]).toEqual([1, 0]);
  });
});

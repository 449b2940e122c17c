/** The journal and the boot marker on file systems that are really full, or really read-only. */
import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

const host = join(import.meta.dirname, "..", "..", "..", "daemonset", "host");

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nodelatch-full-"));
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

/** Runs `program` in a mount namespace of its own where `folder` is a tmpfs of 64 KiB; gives what it printed. */
function inSmallTmpfs(program: string): unknown {
  const script = `
    import { execFileSync } from "node:child_process";
    import { readdir, writeFile, rm } from "node:fs/promises";
    import { pino } from "pino";
    import { emptyHostRecord, parseHostRecord } from ${JSON.stringify(join(host, "journal", "host-record.ts"))};
    import { openJournal } from ${JSON.stringify(join(host, "journal", "journal.ts"))};
    import { readBootMarker, writeBootMarker } from ${JSON.stringify(join(host, "boot", "boot-marker.ts"))};
    import { realTime } from ${JSON.stringify(join(host, "time.ts"))};
    const folder = ${JSON.stringify(folder)};
    const path = folder + "/journal.json";
    const journal = await openJournal({
      path, version: 1, parse: parseHostRecord, empty: emptyHostRecord, time: realTime,
      log: pino({ level: "silent" }), signal: new AbortController().signal,
    });
    const note = (bootID) => journal.update((record) => ({ ...record, bootID }));
    const say = (value) => console.log(JSON.stringify(value));
    ${program}`;
  const printed = execFileSync(
    "unshare",
    [
      "--mount",
      "--propagation",
      "private",
      "sh",
      "-c",
      `mount -t tmpfs -o size=64k tmpfs "$0" && exec "$@"`,
      folder,
      process.execPath,
      "--input-type=module-typescript",
      "--eval",
      script,
    ],
    { cwd: import.meta.dirname, encoding: "utf8", timeout: 60_000 },
  );
  return JSON.parse(printed);
}

const bootID = "0f8c1d9e-6a3b-4c55-9a70-3c1b2d4e5f60";

test("a full disk: the old journal stays, the new one is written once there is room", () => {
  expect(
    inSmallTmpfs(`
      note("before");
      await journal.flush();
      await writeFile(folder + "/filler", Buffer.alloc(128 * 1024)).catch(() => {});
      note("x".repeat(8192));
      const full = await journal.flush();
      const marker = await writeBootMarker(folder + "/boot", "${bootID}").then(() => "written", (error) => error.cause.code);
      const files = (await readdir(folder)).sort();
      await rm(folder + "/filler");
      const roomy = await journal.flush();
      say([full.kind, full.reason, marker, files, roomy.kind]);`),
  ).toEqual([
    "unsaved",
    `write ${join(folder, "journal.json")}: ENOSPC: no space left on device, write`,
    "ENOSPC",
    ["filler", "journal.json"],
    "saved",
  ]);
});

test("a read-only file system: all goes on in memory, and is saved when it is writable again", () => {
  expect(
    inSmallTmpfs(`
      const remount = (how) => execFileSync("mount", ["-o", "remount," + how, folder]);
      remount("ro");
      note("${bootID}");
      const readOnly = await journal.flush();
      const marker = await writeBootMarker(folder + "/boot", "${bootID}").then(() => "written", (error) => error.cause.code);
      const kept = journal.current().bootID;
      remount("rw");
      await writeBootMarker(folder + "/boot", "${bootID}");
      say([readOnly.kind, marker, kept, (await journal.flush()).kind, await readBootMarker(folder + "/boot")]);`),
  ).toEqual(["unsaved", "EROFS", bootID, "saved", { kind: "marked", bootID }]);
});

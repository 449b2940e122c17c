import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lookAtBoot } from "./boot.ts";
import { writeBootMarker } from "./host/boot/boot-marker.ts";
import { emptyHostRecord, HOST_RECORD_VERSION, parseHostRecord } from "./host/journal/host-record.ts";
import { openJournal } from "./host/journal/journal.ts";
import { realTime } from "./host/time.ts";

const BOOT_ID = "0d3ce8a4-2b6c-4f2e-9a52-6f0f6f1f8a11";
const OTHER_BOOT_ID = "7a1f0c1e-55d4-4f0a-8f0e-2f4b5a6c7d88";
const log = pino({ level: "silent" });
let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nodelatch-boot-"));
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

async function look(bootID: string) {
  const journal = await openJournal({
    path: join(folder, "journal.json"),
    version: HOST_RECORD_VERSION,
    parse: parseHostRecord,
    empty: emptyHostRecord,
    time: realTime,
    log,
    signal: new AbortController().signal,
  });
  const boot = await lookAtBoot(folder, { kind: "known", bootID }, journal, log);
  return { boot, journal };
}

test("a boot that is done is noted in marker and journal, and not before", async () => {
  const { boot, journal } = await look(BOOT_ID);
  expect([boot.isNew, boot.isDone(), journal.current().bootID]).toEqual([true, false, undefined]);
  await boot.done();
  expect([boot.isDone(), journal.current().bootID]).toEqual([true, BOOT_ID]);
  await journal.flush();
  expect((await look(BOOT_ID)).boot.isNew).toBe(false);
  expect((await look(OTHER_BOOT_ID)).boot.isNew).toBe(true);
});

test("an agent that was killed between marker and journal has the journal completed by the next one", async () => {
  await writeBootMarker(join(folder, "boot"), BOOT_ID);
  const { boot, journal } = await look(BOOT_ID);
  expect([boot.isNew, journal.current().bootID]).toEqual([false, BOOT_ID]);
  await journal.flush();
  // The reboot took the marker.
  await rm(join(folder, "boot"));
  expect((await look(OTHER_BOOT_ID)).boot.sighting).toMatchObject({
    kind: "new-boot",
    previousBootID: BOOT_ID,
  });
});

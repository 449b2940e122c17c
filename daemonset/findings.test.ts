import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Diagnoses } from "./containers/diagnose.ts";
import type { Disk } from "./containers/disk-sign.ts";
import type { PassReport } from "./containers/report.ts";
import { followUp, makeReadDisks } from "./findings.ts";
import { captureLog } from "./testing/agent-kit.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "nl-"));
});
afterEach(async () => rm(root, { recursive: true }));

test("disks that can be seen are read, the others are left out", async () => {
  const read = makeReadDisks(root);
  const never = new AbortController().signal;
  expect(await read(never)).toEqual([]);
  await mkdir(join(root, "var/lib/containerd"), { recursive: true });
  const disks = await read(never);
  expect(disks.map(({ path }) => path)).toEqual(["/var/lib/containerd"]);
  expect(disks[0]?.totalBytes).toBeGreaterThan(0);
  expect(await read(AbortSignal.abort())).toEqual([]);
});

const REPORT: PassReport = {
  phase: "steady",
  mode: "on",
  startedAt: "2026-11-21T00:00:00Z",
  durationMillis: 1,
  runtimes: [],
};
const FULL: Disk = {
  path: "/var/lib/containerd",
  freeBytes: 0,
  totalBytes: 1e9,
  freeInodes: 1e6,
  totalInodes: 1e6,
};

test("a finding is said once when it begins and once when it is over", () => {
  const { log, lines } = captureLog();
  const diagnoses = new Diagnoses();
  const after = (disk: Disk, nowMillis: number) => followUp(diagnoses, REPORT, [disk], nowMillis, log);
  expect(after(FULL, 1).map(({ kind }) => kind)).toEqual(["disk-full"]);
  expect(after(FULL, 2)).toEqual([]);
  expect(after({ ...FULL, freeBytes: 5e8 }, 3)).toEqual([]);
  expect(lines.map(({ msg, finding }) => [msg, finding])).toEqual([
    ["finding", "disk-full"],
    ["finding is over", "disk-full"],
  ]);
});

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readText } from "./read-text.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nodelatch-read-"));
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

test("a file is read to its end, however many reads that takes", async () => {
  const text = "é".repeat(40_000);
  await writeFile(join(folder, "f"), text);
  expect(await readText(join(folder, "f"))).toEqual({ kind: "text", text });
});

test("a file of procfs, which says it is empty, is read too", async () => {
  const read = await readText("/proc/self/status");
  expect(read.kind === "text" && read.text).toMatch(/^Name:/);
});

test("absent is not unreadable", async () => {
  expect(await readText(join(folder, "nothing"))).toEqual({ kind: "absent" });
});

test("a directory, or a file above the bound, is unreadable with the reason", async () => {
  const directory = await readText(folder);
  expect(directory.kind === "unreadable" && directory.reason).toMatch(/EISDIR/);
  await writeFile(join(folder, "f"), "12345");
  expect(await readText(join(folder, "f"), 5)).toMatchObject({ kind: "text" });
  expect(await readText(join(folder, "f"), 4)).toEqual({
    kind: "unreadable",
    reason: `${join(folder, "f")} is larger than 4 bytes`,
  });
});

import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { sweepPartials } from "./sweep-partials.ts";
import { realFileSystem, writeWholeFile } from "./whole-file.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nodelatch-partials-"));
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

test("what a killed write left goes, and nothing else", async () => {
  const path = join(folder, "journal.json");
  // A kill leaves no chance to clean up.
  const killed = {
    ...realFileSystem,
    rename: async () => Promise.reject(new Error("killed")),
    rm: async () => {},
  };
  await expect(writeWholeFile(path, "new", killed)).rejects.toThrow(`write ${path}`);
  const others = ["journal.json", ".hidden", ".x.partial", "a.0123456789ab.partial", ".journal.json.partial"];
  for (const name of others) await writeFile(join(folder, name), "");
  expect((await readdir(folder)).length).toBe(others.length + 1);
  expect(await sweepPartials(folder)).toBe(1);
  expect((await readdir(folder)).toSorted()).toEqual(others.toSorted());
});

test("a directory that is not there has nothing to sweep; one that can't be read is named", async () => {
  expect(await sweepPartials(join(folder, "none"))).toBe(0);
  await writeFile(join(folder, "file"), "");
  await expect(sweepPartials(join(folder, "file"))).rejects.toThrow(`sweep ${folder}/file`);
});

import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { FileSystem } from "./file-system.ts";
import { quickFiles, systemError, watchedFiles } from "./testing/watched-files.ts";
import { moveBack, moveOut } from "./transfer.ts";

let folder: string;
let from: string;
let to: string;
let partial: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nodelatch-transfer-"));
  from = join(folder, "from");
  to = join(folder, "to");
  partial = join(folder, "partial");
  writeFileSync(from, "lease");
});
afterEach(() => rmSync(folder, { recursive: true }));

/** As between two file systems, with a note of each call. */
function betweenTwo(calls: string[]): FileSystem {
  return watchedFiles((method, [path]) => {
    calls.push(`${method} ${String(path).slice(folder.length + 1)}`);
    if ((method === "renameSync" || method === "linkSync") && path === from) throw systemError("EXDEV");
  });
}

describe("between file systems", () => {
  it("a file goes from where it was only after its new name is on the disk", () => {
    const calls: string[] = [];
    moveOut(betweenTwo(calls), from, to, partial);
    const written = calls.filter((call) => /^(rename|unlink|fsync)/.test(call));
    expect(written.map((call) => call.split(" ", 1)[0])).toEqual([
      "renameSync",
      "unlinkSync",
      "fsyncSync",
      "renameSync",
      "fsyncSync",
      "unlinkSync",
    ]);
    expect(calls.at(-1)).toBe("unlinkSync from");
    expect([existsSync(from), readFileSync(to, "utf8")]).toEqual([false, "lease"]);
  });

  it("a file that is too large to be copied whole stays", () => {
    truncateSync(from, 16 * 1_024 * 1_024 + 1);
    expect(() => moveOut(betweenTwo([]), from, to, partial)).toThrow("expected a regular file of at most");
    expect(readdirSync(folder)).toEqual(["from"]);
  });

  it("nothing is written beside a name that is taken", () => {
    writeFileSync(to, "another");
    const calls: string[] = [];
    expect(moveBack(betweenTwo(calls), from, to, partial)).toBe(false);
    expect(calls).toEqual(["linkSync from", "lstatSync to"]);
  });
});

it("what a copy that was killed has left is written over", () => {
  writeFileSync(partial, "lea");
  moveOut(betweenTwo([]), from, to, partial);
  expect(readdirSync(folder)).toEqual(["to"]);
  expect(readFileSync(to, "utf8")).toBe("lease");
});

it.each(["EPERM", "ENOTSUP"])("on a disk without hard links (%s) the way back is a copy", (code) => {
  const files = watchedFiles((method) => {
    if (method === "linkSync") throw systemError(code);
  });
  expect(moveBack(files, from, to, partial)).toBe(true);
  expect(readdirSync(folder)).toEqual(["to"]);
});

it("a name that is taken while the copy is made stays, and the copy goes", () => {
  const files = watchedFiles((method, [path]) => {
    if (method !== "linkSync") return;
    if (path === from) throw systemError("EXDEV");
    writeFileSync(to, "another");
  });
  expect(moveBack(files, from, to, partial)).toBe(false);
  expect(readdirSync(folder).toSorted()).toEqual(["from", "to"]);
  expect(readFileSync(to, "utf8")).toBe("another");
});

it("other errors are no reason to copy", () => {
  const files = watchedFiles((method) => {
    if (method === "renameSync") throw systemError("EACCES");
  });
  expect(() => moveOut(files, from, to, partial)).toThrow("EACCES");
  expect(readdirSync(folder)).toEqual(["from"]);
});

it("two files with one inode number on two disks are not one: the way back keeps both", () => {
  writeFileSync(to, "another");
  const files = new Proxy(quickFiles, {
    get(target, key): unknown {
      if (key !== "lstatSync") return Reflect.get(target, key);
      return (path: string) =>
        Object.assign(lstatSync(path, { bigint: true }), { ino: 5n, dev: path === from ? 1n : 2n });
    },
  });
  expect(moveBack(files, from, to, partial)).toBe(false);
  expect([readFileSync(from, "utf8"), readFileSync(to, "utf8")]).toEqual(["lease", "another"]);
});

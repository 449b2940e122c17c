import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { realFileSystem } from "./file-system.ts";
import { systemError, watchedFiles } from "./testing/watched-files.ts";
import { readAtMost, removeIfThere, replaceText, writeNewFile } from "./whole-file.ts";

const self = { mode: 0o640, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nodelatch-whole-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("a new file", () => {
  it("has its content and mode, and is written through", () => {
    const calls: string[] = [];
    const files = watchedFiles((method) => calls.push(method));
    writeNewFile(files, join(folder, "a"), Buffer.from("text"), self);
    expect(readFileSync(join(folder, "a"), "utf8")).toBe("text");
    expect(statSync(join(folder, "a")).mode & 0o777).toBe(0o640);
    expect(calls.slice(-2)).toEqual(["fsyncSync", "closeSync"]);
  });

  it.each(["writeSync", "fchmodSync", "fsyncSync", "closeSync"])("leaves nothing if %s fails", (failing) => {
    const files = watchedFiles((method) => {
      if (method === failing) throw systemError("ENOSPC");
    });
    expect(() => writeNewFile(files, join(folder, "a"), Buffer.from("text"), self)).toThrow("ENOSPC");
    expect(readdirSync(folder)).toEqual([]);
  });

  it("never takes the place of another", () => {
    writeFileSync(join(folder, "a"), "before");
    expect(() => writeNewFile(realFileSystem, join(folder, "a"), Buffer.from("text"), self)).toThrow(
      "EEXIST",
    );
    expect(readFileSync(join(folder, "a"), "utf8")).toBe("before");
  });
});

it("a text is replaced whole, and its name written through", () => {
  const calls: string[] = [];
  const files = watchedFiles((method) => calls.push(method));
  writeFileSync(join(folder, "a"), "before");
  writeFileSync(join(folder, "a.partial"), "of one that was killed");
  replaceText(files, join(folder, "a"), "after", self);
  expect(readdirSync(folder)).toEqual(["a"]);
  expect(readFileSync(join(folder, "a"), "utf8")).toBe("after");
  expect(calls.slice(-4)).toEqual(["renameSync", "openSync", "fsyncSync", "closeSync"]);
});

describe("a read", () => {
  it("gives so many bytes at the most", () => {
    writeFileSync(join(folder, "a"), "text");
    expect(readAtMost(realFileSystem, join(folder, "a"), 3).content.toString()).toBe("tex");
    expect(readAtMost(realFileSystem, join(folder, "a"), 9).content.toString()).toBe("text");
  });

  it("never follows a link, and reads nothing of a directory", () => {
    writeFileSync(join(folder, "a"), "text");
    symlinkSync("a", join(folder, "link"));
    expect(() => readAtMost(realFileSystem, join(folder, "link"), 9)).toThrow("ELOOP");
    expect(readAtMost(realFileSystem, folder, 9).content).toHaveLength(0);
  });
});

it("what is not there need not be removed; what can't be is an error", () => {
  removeIfThere(realFileSystem, join(folder, "a"));
  expect(() => removeIfThere(realFileSystem, folder)).toThrow(/EISDIR|EPERM/);
});

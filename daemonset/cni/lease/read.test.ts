import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { entriesOf, readWhole } from "./read.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nodelatch-lease-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("one file", () => {
  test("its bytes and its number", () => {
    const path = join(folder, "10.42.0.7");
    writeFileSync(path, "id\r\neth0");
    expect(readWhole(folder, "10.42.0.7", 512)).toEqual({
      kind: "file",
      reading: {
        directory: folder,
        name: "10.42.0.7",
        ino: statSync(path, { bigint: true }).ino,
        content: "id\r\neth0",
      },
    });
  });

  test("as large as may be, and a byte more", () => {
    writeFileSync(join(folder, "a"), "1234");
    writeFileSync(join(folder, "b"), "12345");
    expect(readWhole(folder, "a", 4).kind).toBe("file");
    expect(readWhole(folder, "b", 4)).toEqual({ kind: "odd", reason: "it is larger than 4 bytes" });
  });

  test("one that takes several reads", () => {
    const text = "0123456789".repeat(5_000);
    writeFileSync(join(folder, "a"), text);
    const read = readWhole(folder, "a", 50_000);
    expect(read.kind === "file" && read.reading.content).toBe(text);
    expect(readWhole(folder, "a", 49_999).kind).toBe("odd");
  });

  test("not there", () => {
    expect(readWhole(folder, "10.42.0.7", 512)).toEqual({ kind: "gone" });
  });

  test("a link, even to a lease", () => {
    writeFileSync(join(folder, "lease"), "x");
    symlinkSync("lease", join(folder, "10.42.0.7"));
    expect(readWhole(folder, "10.42.0.7", 512)).toEqual({ kind: "odd", reason: "it is no regular file" });
  });

  test("a file with a second name", () => {
    writeFileSync(join(folder, "10.42.0.7"), "x");
    linkSync(join(folder, "10.42.0.7"), join(folder, "other"));
    expect(readWhole(folder, "10.42.0.7", 512)).toEqual({ kind: "odd", reason: "it has 2 names" });
  });

  test("a directory, and a pipe that nobody writes to", () => {
    mkdirSync(join(folder, "10.42.0.7"));
    execFileSync("mkfifo", [join(folder, "10.42.0.8")]);
    expect(readWhole(folder, "10.42.0.7", 512)).toEqual({ kind: "odd", reason: "it is no regular file" });
    expect(readWhole(folder, "10.42.0.8", 512)).toEqual({ kind: "odd", reason: "it is no regular file" });
  });
});

test("entries come one by one, and a directory that is not there is an error", () => {
  for (let index = 0; index < 1_000; index += 1) writeFileSync(join(folder, `f${index}`), "");
  expect(new Set([...entriesOf(folder)].map(({ name }) => name)).size).toBe(1_000);
  expect(() => [...entriesOf(join(folder, "none"))]).toThrow("ENOENT");
});

test("whoever stops early leaves no directory open", () => {
  writeFileSync(join(folder, "a"), "");
  writeFileSync(join(folder, "b"), "");
  const entries = entriesOf(folder);
  expect(entries.next().done).toBe(false);
  entries.return(undefined);
  expect(entries.next().done).toBe(true);
});

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { extract } from "tar-stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { writeLayer, type LayerEntry } from "./image-layer.ts";

let work: string;
beforeEach(async () => {
  work = await mkdtemp(join(tmpdir(), "nodelatch-layer-"));
});
afterEach(async () => rm(work, { recursive: true, force: true }));

// Longer than the 100 bytes of a tar header's name field, and than its prefix field.
const longPath = `/app/${"deep/".repeat(40)}${"x".repeat(150)}.mjs`;

function entries(from: string): readonly LayerEntry[] {
  return [
    { kind: "file", path: "/usr/bin/node", mode: 0o755, from },
    { kind: "text", path: longPath, mode: 0o644, text: "long\n" },
    { kind: "text", path: "/etc/passwd", mode: 0o644, text: "root:x:0:0::/:/bin/false\n" },
    { kind: "directory", path: "/tmp", mode: 0o1777 },
  ];
}

test("every entry is there, directories first, root's, of 1970, with its mode", async () => {
  const from = join(work, "node");
  await writeFile(from, "binary");
  const layer = await writeLayer(join(work, "layer.tar"), entries(from));
  const found: string[] = [];
  const reader = createReadStream(layer.path).pipe(extract());
  for await (const entry of reader) {
    const { name, type, mode, uid, gid, mtime } = entry.header;
    expect({ name, uid, gid, mtime }).toEqual({ name, uid: 0, gid: 0, mtime: new Date(0) });
    if (!name.includes("deep")) found.push(`${type} ${mode.toString(8)} ${name}`);
    entry.resume();
  }
  expect(found).toEqual([
    "directory 755 app/",
    "directory 755 etc/",
    "file 644 etc/passwd",
    "directory 1777 tmp/",
    "directory 755 usr/",
    "directory 755 usr/bin/",
    "file 755 usr/bin/node",
  ]);
});

test("the machine's own tar reads a path longer than a tar header has room for", async () => {
  const from = join(work, "node");
  await writeFile(from, "binary");
  const layer = await writeLayer(join(work, "layer.tar"), entries(from));
  const text = execFileSync("tar", ["-xOf", layer.path, longPath.slice(1)], { encoding: "utf8" });
  expect(text).toBe("long\n");
});

test("the same content gives the same bytes, whatever the order of entries and the files' own dates", async () => {
  const from = join(work, "node");
  await writeFile(from, "binary");
  const one = await writeLayer(join(work, "one.tar"), entries(from));
  await utimes(from, 1, 1);
  const two = await writeLayer(join(work, "two.tar"), entries(from).toReversed());
  const bytes = await readFile(one.path);
  expect(bytes.equals(await readFile(two.path))).toBe(true);
  expect(one.digest).toBe(`sha256:${createHash("sha256").update(bytes).digest("hex")}`);
  expect(two.digest).toBe(one.digest);
});

test("a file that is missing is an error that names it, not a short layer", async () => {
  const from = join(work, "gone");
  const failure = await causeOf(writeLayer(join(work, "layer.tar"), entries(from)));
  expect(failure).toContain(`ENOENT: no such file or directory, stat '${from}'`);
});

test("a path that is not absolute is refused", async () => {
  const relative: LayerEntry = { kind: "directory", path: "tmp", mode: 0o755 };
  const failure = await causeOf(writeLayer(join(work, "layer.tar"), [relative]));
  expect(failure).toContain("image path tmp: expected it to start with /");
});

async function causeOf(failing: Promise<unknown>): Promise<string> {
  try {
    await failing;
  } catch (error) {
    return error instanceof Error ? String(error.cause) : String(error);
  }
  return "did not fail";
}

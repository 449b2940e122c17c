import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { bundle } from "./bundle.ts";
import { packageOf } from "./licences.ts";

const projectRoot = fileURLToPath(new URL("..", import.meta.url));
let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "nodelatch-bundle-"));
  await symlink(join(projectRoot, "node_modules"), join(root, "node_modules"));
});
afterEach(async () => rm(root, { recursive: true, force: true }));

test("a bundle with a CommonJS dependency runs alone, under Node 24", async () => {
  // express requires Node's own modules with require(), which only works through the banner.
  const code =
    'import express from "express";\nconsole.log(typeof express().listen, import.meta.url.slice(-9));\n';
  await writeFile(join(root, "main.ts"), code);
  const outDir = join(root, "out");
  const written = await bundle({ root, outDir, programs: [{ name: "small", entry: "main.ts" }] });
  expect(written.map((path) => basename(path))).toEqual(["small.mjs", "LICENCES.txt"]);
  await rm(join(root, "node_modules"));
  const ran = execFileSync(process.execPath, [join(outDir, "small.mjs")], { encoding: "utf8" });
  expect(ran.trim()).toBe("function small.mjs");
  const licences = await readFile(join(outDir, "LICENCES.txt"), "utf8");
  expect(licences).toContain("express 5.3.0 (MIT)");
  expect(licences).toContain("TJ Holowaychuk");
  // Not used by the entry, so not part of what is shipped.
  expect(licences).not.toContain("vitest");
});

test("missing entry files are all named, and nothing is written", async () => {
  await writeFile(join(root, "there.ts"), "export {};\n");
  const programs = [
    { name: "one", entry: "gone/main.ts" },
    { name: "two", entry: "there.ts" },
    { name: "three", entry: "also-gone.ts" },
  ];
  const outDir = join(root, "out");
  await expect(bundle({ root, outDir, programs })).rejects.toThrow(
    "no such entry file: gone/main.ts (for one.mjs), also-gone.ts (for three.mjs)",
  );
  await expect(readFile(join(outDir, "two.mjs"))).rejects.toThrow("ENOENT");
});

test.each([
  ["node_modules/pino/lib/tools.js", "node_modules/pino"],
  ["node_modules/@kubernetes/client-node/dist/index.js", "node_modules/@kubernetes/client-node"],
  ["node_modules/a/node_modules/@b/c/d.js", "node_modules/a/node_modules/@b/c"],
  ["../elsewhere/node_modules/a/index.js", "../elsewhere/node_modules/a"],
  ["webhook/main.ts", null],
])("%s belongs to package %s", (input, expected) => {
  expect(packageOf(input)).toBe(expected);
});

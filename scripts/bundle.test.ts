import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import packageJson from "../package.json" with { type: "json" };
import { bundle, programs as ours } from "./bundle.ts";
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

test("Node's modules are taken without what Node makes of them for an import", async () => {
  // Through an ordinary import, node:http brings undici along: its WebSocket is read.
  const code = `import http, { createServer } from "node:http";
    import { readFile } from "fs/promises";
    const { isIPv6 } = await import("node:net");
    const isLoaded = process.moduleLoadList.some((name) => name.includes("undici"));
    console.log(http.createServer === createServer, typeof readFile, isIPv6("::1"), isLoaded);\n`;
  await writeFile(join(root, "main.ts"), code);
  const outDir = join(root, "out");
  await bundle({ root, outDir, programs: [{ name: "small", entry: "main.ts" }] });
  const ran = execFileSync(process.execPath, [join(outDir, "small.mjs")], { encoding: "utf8" });
  expect(ran.trim()).toBe("true function true false");
});

test("the agent carries none of the libraries that would make it large, and runs without them", async () => {
  const outDir = join(root, "out");
  const programs = ours.filter(({ name }) => name === "agent");
  await bundle({ root: projectRoot, outDir, programs });
  const licences = await readFile(join(outDir, "LICENCES.txt"), "utf8");
  const packages = [...licences.matchAll(/^(\S+) \d+\.\d+\.\d+\S* \(/gm)].map(([, name]) => name);
  expect(packages).toContain("@grpc/grpc-js");
  for (const large of ["@kubernetes/client-node", "undici", "express", "@grpc/proto-loader", "xml2js"]) {
    expect(packages).not.toContain(large);
  }
  const ran = execFileSync(process.execPath, [join(outDir, "agent.mjs"), "--version"], { encoding: "utf8" });
  expect(ran.trim()).toBe(packageJson.version);
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

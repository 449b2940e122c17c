/** With a stand-in for npm that hands out an archive of ours, and notes what it was asked. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fetchNode, npmOf, type Npm } from "./node-package.ts";

let folder: string;
let cache: string;
let npm: Npm;
let integrity: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nodelatch-npm-"));
  cache = join(folder, "cache");
  const archive = join(folder, "node.tgz");
  await mkdir(join(folder, "package", "bin"), { recursive: true });
  await writeFile(join(folder, "package", "bin", "node"), "node itself");
  await writeFile(join(folder, "package", "LICENSE"), "its licence");
  await writeFile(join(folder, "package", "CHANGELOG.md"), "long");
  execFileSync("tar", ["-czf", archive, "-C", folder, "package"]);
  integrity = `sha512-${createHash("sha512")
    .update(await readFile(archive))
    .digest("base64")}`;
  const script = join(folder, "npm.sh");
  await writeFile(script, `echo "$@" >> ${folder}/asked; cp ${archive} "$5/n.tgz" && echo n.tgz\n`);
  npm = ["/bin/sh", script];
});
afterEach(async () => rm(folder, { recursive: true }));

const wanted = () => ({ name: "node-some-x1", version: "1.2.3", integrity });

test("the executable and its licence are fetched once, by name and version", async () => {
  const first = await fetchNode(wanted(), cache, npm);
  expect(await readFile(first.node, "utf8")).toBe("node itself");
  expect(await readFile(first.licence, "utf8")).toBe("its licence");
  expect(await fetchNode(wanted(), cache, npm)).toEqual(first);
  const asked = (await readFile(join(folder, "asked"), "utf8")).trim().split("\n");
  expect(asked).toHaveLength(1);
  expect(asked[0]).toMatch(/^pack node-some-x1@1\.2\.3 --silent --pack-destination /);
  expect(await readdir(cache)).toEqual(["node-some-x1-1.2.3"]);
});

test("two at once get the same, whole", async () => {
  const [one, two] = await Promise.all([fetchNode(wanted(), cache, npm), fetchNode(wanted(), cache, npm)]);
  expect(one).toEqual(two);
  expect(await readdir(cache)).toEqual(["node-some-x1-1.2.3"]);
});

test("another archive than the one that was meant is not kept", async () => {
  await expect(fetchNode({ ...wanted(), integrity: "sha512-other" }, cache, npm)).rejects.toThrow(
    `fetch node-some-x1@1.2.3: its archive has ${integrity}, expected sha512-other`,
  );
  expect(await readdir(cache)).toEqual([]);
});

test("an npm that fails is named with what it was for", async () => {
  await expect(fetchNode(wanted(), cache, ["/bin/false"])).rejects.toThrow("fetch node-some-x1@1.2.3: ");
  expect(await readdir(cache)).toEqual([]);
});

test("npm is the one that started us, if one did", () => {
  expect(npmOf({})).toEqual(["npm"]);
  expect(npmOf({ npm_execpath: "/x/npm-cli.js" })).toEqual([process.execPath, "/x/npm-cli.js"]);
});

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeRunFolder, removeRunFolder, sweepDeadRuns } from "./run-folder.ts";

let parent = "";
let child: ChildProcess | undefined;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "nodelatch-sweep-"));
});
afterEach(async () => {
  child?.kill("SIGKILL");
  await rm(parent, { recursive: true, force: true });
});

async function sweep(): Promise<readonly string[]> {
  const lines: string[] = [];
  await sweepDeadRuns(parent, (line) => lines.push(line));
  return lines;
}

/** The number of a process that has ended. */
async function deadPid(): Promise<number> {
  const ended = spawn("true");
  await once(ended, "exit");
  return ended.pid ?? 0;
}

test("what a killed run left is removed, with its name; nothing else is", async () => {
  const left = `nodelatch-run-${await deadPid()}-abc`;
  await mkdir(join(parent, left, "nl-xyz", "root"), { recursive: true });
  await writeFile(join(parent, left, "nl-xyz", "log"), "");
  await mkdir(join(parent, "nodelatch-other"));
  const own = await makeRunFolder(parent);
  expect(await sweep()).toEqual([expect.stringContaining(join(parent, left))]);
  expect((await readdir(parent)).toSorted()).toEqual(["nodelatch-other", basename(own)].toSorted());
  await removeRunFolder(own);
  expect(await readdir(parent)).toEqual(["nodelatch-other"]);
});

test("a run whose starter was killed keeps its folder as long as anything of it lives", async () => {
  const folder = join(parent, `nodelatch-run-${await deadPid()}-abc`);
  await mkdir(folder);
  child = spawn("sleep", ["60"], { env: { ...process.env, TMPDIR: folder } });
  await once(child, "spawn");
  expect(await sweep()).toEqual([]);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(await sweep()).toHaveLength(1);
  expect(await readdir(parent)).toEqual([]);
});

import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readEdgeTaskManager } from "./edge-switch.ts";

const FILE = "/etc/kubeedge/config/edgecore.yaml";
let root = "";
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "nodelatch-edge-"));
  await mkdir(join(root, "etc/kubeedge/config"), { recursive: true });
});
afterEach(async () => rm(root, { recursive: true, force: true }));

test.each([
  ["on", "modules: {taskManager: {enable: true}}", "on"],
  ["off", "modules: {taskManager: {enable: false}}", "off"],
  ["left out", "modules: {edged: {}}", "unknown"],
  ["no YAML", "modules: [", "unknown"],
  ["endless", "#".repeat(1024 * 1024 + 1), "unknown"],
])("an edgecore.yaml with the switch %s", async (_name, text, expected) => {
  await writeFile(join(root, FILE), text);
  expect(await readEdgeTaskManager(root, [FILE])).toBe(expected);
});

test("a node without KubeEdge has no such switch", async () => {
  expect(await readEdgeTaskManager(root, [FILE])).toBeUndefined();
  await mkdir(join(root, FILE));
  expect(await readEdgeTaskManager(root, [FILE])).toBeUndefined();
});

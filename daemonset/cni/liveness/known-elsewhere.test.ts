import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { idsOnDisk } from "./known-elsewhere.ts";

const id = (digit: string): string => digit.repeat(64);
let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "nodelatch-disk-"));
});
afterEach(async () => rm(root, { recursive: true }));

const make = async (...path: readonly string[]) => mkdir(join(root, ...path), { recursive: true });

test("a node without podman, CRI-O and nerdctl has none", async () => {
  expect(await idsOnDisk(root)).toEqual(new Set());
});

test("containers of podman, CRI-O and nerdctl, by whatever driver and in whatever namespace", async () => {
  const storage = ["var", "lib", "containers", "storage"];
  await make(...storage, "overlay-containers", id("a"), "userdata");
  await make(...storage, "vfs-containers", id("b"));
  await make(...storage, "overlay-images", id("c"));
  await writeFile(join(root, ...storage, "overlay-containers", "containers.json"), "[]");
  await make("var", "lib", "nerdctl", "1935db59", "containers", "default", id("d"));
  await make("var", "lib", "nerdctl", "1935db59", "containers", "k8s.io", id("e"));
  await make("var", "lib", "nerdctl", "1935db59", "names", "default");
  expect(await idsOnDisk(root)).toEqual(new Set([id("a"), id("b"), id("d"), id("e")]));
});

test("a directory that can't be read is no empty one", async () => {
  await make("var", "lib");
  await symlink("containers", join(root, "var", "lib", "containers"));
  await expect(idsOnDisk(root)).rejects.toThrow("list /var/lib/containers/storage");
});

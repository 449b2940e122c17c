import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { containerdStateDirectory } from "./state-directory.ts";

const ID = "a".repeat(64);
const OTHER = "b".repeat(64);
let root = "";

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "state-directory-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

describe("containers being made", () => {
  test("are the directories named by whole IDs", async () => {
    const made = join(root, "io.containerd.grpc.v1.cri", "containers");
    for (const name of [ID, OTHER, "short", `${ID}.tmp`]) await mkdir(join(made, name), { recursive: true });
    const ids = await containerdStateDirectory(root).madeContainerIDs();
    expect([...ids].toSorted()).toEqual([ID, OTHER]);
  });

  test("are none where nothing was made yet, or another runtime lives", async () => {
    await expect(containerdStateDirectory(root).madeContainerIDs()).resolves.toEqual([]);
  });

  test("can't be told where something else is in the way", async () => {
    await mkdir(join(root, "io.containerd.grpc.v1.cri"));
    await writeFile(join(root, "io.containerd.grpc.v1.cri", "containers"), "");
    await expect(containerdStateDirectory(root).madeContainerIDs()).rejects.toThrow(
      `list containers being made in ${root}`,
    );
  });
});

describe("a task", () => {
  const tasks = () => join(root, "io.containerd.runtime.v2.task", "k8s.io");

  test("is there as soon as its directory is", async () => {
    const state = containerdStateDirectory(root);
    await expect(state.hasTask(ID)).resolves.toBe(false);
    await mkdir(join(tasks(), ID), { recursive: true });
    await expect(state.hasTask(ID)).resolves.toBe(true);
    await expect(state.hasTask(OTHER)).resolves.toBe(false);
  });

  test("of another containerd namespace does not count", async () => {
    await mkdir(join(root, "io.containerd.runtime.v2.task", "moby", ID), { recursive: true });
    await expect(containerdStateDirectory(root).hasTask(ID)).resolves.toBe(false);
  });

  test("can't be told where something else is in the way", async () => {
    await mkdir(join(root, "io.containerd.runtime.v2.task"));
    await writeFile(tasks(), "");
    await expect(containerdStateDirectory(root).hasTask(ID)).rejects.toThrow(
      `look for a task of container ${ID}`,
    );
  });

  test.each(["", "..", `../${ID}`, ID.toUpperCase()])("of %j is not looked for", async (id) => {
    await expect(containerdStateDirectory(root).hasTask(id)).rejects.toThrow(
      "expected 64 hexadecimal digits",
    );
  });
});

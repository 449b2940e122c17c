import { mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
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

const socketPath = () => join(root, "containerd.sock");
const open = () => containerdStateDirectory(root, socketPath());

describe("containers being made", () => {
  test("are the directories named by whole IDs", async () => {
    const made = join(root, "io.containerd.grpc.v1.cri", "containers");
    for (const name of [ID, OTHER, "short", `${ID}.tmp`]) await mkdir(join(made, name), { recursive: true });
    const ids = await open().madeContainerIDs();
    expect([...ids].toSorted()).toEqual([ID, OTHER]);
  });

  test("are none where nothing was made yet, or another runtime lives", async () => {
    await expect(open().madeContainerIDs()).resolves.toEqual([]);
  });

  test("can't be told where something else is in the way", async () => {
    await mkdir(join(root, "io.containerd.grpc.v1.cri"));
    await writeFile(join(root, "io.containerd.grpc.v1.cri", "containers"), "");
    await expect(open().madeContainerIDs()).rejects.toThrow(`list containers being made in ${root}`);
  });
});

describe("a task", () => {
  const tasks = () => join(root, "io.containerd.runtime.v2.task", "k8s.io");

  test("is there as soon as its directory is", async () => {
    const state = open();
    await expect(state.hasTask(ID)).resolves.toBe(false);
    await mkdir(join(tasks(), ID), { recursive: true });
    await expect(state.hasTask(ID)).resolves.toBe(true);
    await expect(state.hasTask(OTHER)).resolves.toBe(false);
  });

  describe("whose start was cut off by containerd's end", () => {
    const [earlier, started, later] = [1_000, 2_000, 3_000];
    const bundle = () => join(tasks(), ID);
    beforeEach(async () => {
      await mkdir(bundle(), { recursive: true });
      for (const [path, seconds] of [
        [join(bundle(), "config.json"), earlier],
        [socketPath(), started],
      ] as const) {
        await writeFile(path, "");
        await utimes(path, seconds, seconds);
      }
    });

    test("is none: its bundle is older than containerd, and no process was made", async () => {
      await expect(open().hasTask(ID)).resolves.toBe(false);
    });

    test.each([
      ["a process was made", async () => writeFile(join(bundle(), "init.pid"), "1")],
      ["this containerd began it", async () => utimes(join(bundle(), "config.json"), later, later)],
      ["it may have", async () => utimes(join(bundle(), "config.json"), started, started)],
      ["it is only just beginning", async () => rm(join(bundle(), "config.json"))],
      ["nobody knows since when containerd runs", async () => rm(socketPath())],
    ])("is one if %s", async (_, change) => {
      await change();
      await expect(open().hasTask(ID)).resolves.toBe(true);
    });
  });

  test("of another containerd namespace does not count", async () => {
    await mkdir(join(root, "io.containerd.runtime.v2.task", "moby", ID), { recursive: true });
    await expect(open().hasTask(ID)).resolves.toBe(false);
  });

  test("can't be told where something else is in the way", async () => {
    await mkdir(join(root, "io.containerd.runtime.v2.task"));
    await writeFile(tasks(), "");
    await expect(open().hasTask(ID)).rejects.toThrow(`look for a task of container ${ID}`);
  });

  test.each(["", "..", `../${ID}`, ID.toUpperCase()])("of %j is not looked for", async (id) => {
    await expect(open().hasTask(id)).rejects.toThrow("expected 64 hexadecimal digits");
  });
});

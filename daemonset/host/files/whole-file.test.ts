import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { realFileSystem, writeWholeFile, type FileSystem } from "./whole-file.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nodelatch-files-"));
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

/** The real file system, telling what it does and failing where it is told to. */
function recording(failAt?: string): { readonly calls: string[]; readonly files: FileSystem } {
  const calls: string[] = [];
  function step(name: string): void {
    calls.push(name);
    if (name === failAt) throw Object.assign(new Error(`ENOSPC: no space left, ${name}`), { code: "ENOSPC" });
  }
  const files: FileSystem = {
    mkdir: async (path, options) => realFileSystem.mkdir(path, options),
    async open(path, flags, mode) {
      const what = flags === "r" ? "directory" : "file";
      step(`open ${what}`);
      const handle = await realFileSystem.open(path, flags, mode);
      return {
        async writeFile(text) {
          step("write");
          await handle.writeFile(text);
        },
        async sync() {
          step(`sync ${what}`);
          await handle.sync();
        },
        async close() {
          calls.push(`close ${what}`);
          await handle.close();
        },
      };
    },
    async rename(from, to) {
      step("rename");
      await realFileSystem.rename(from, to);
    },
    rm: async (path, options) => realFileSystem.rm(path, options),
  };
  return { calls, files };
}

describe("writing a file whole", () => {
  test("the content is on disk before the name is, and the name before it returns", async () => {
    const { calls, files } = recording();
    await writeWholeFile(join(folder, "deep", "er", "f"), "text", files);
    expect(calls).toEqual([
      "open file",
      "write",
      "sync file",
      "close file",
      "rename",
      "open directory",
      "sync directory",
      "close directory",
    ]);
    expect(await readFile(join(folder, "deep", "er", "f"), "utf8")).toBe("text");
  });

  test.each(["open file", "write", "sync file", "rename"])(
    "when %s fails the old file stays and nothing is left beside it",
    async (failAt) => {
      const path = join(folder, "f");
      await writeFile(path, "old");
      const attempt = writeWholeFile(path, "new", recording(failAt).files);
      await expect(attempt).rejects.toMatchObject({
        message: `write ${path}`,
        cause: { code: "ENOSPC" },
      });
      expect(await readFile(path, "utf8")).toBe("old");
      expect(await readdir(folder)).toEqual(["f"]);
    },
  );

  test("others on the node can't read it", async () => {
    await writeWholeFile(join(folder, "f"), "text");
    expect((await stat(join(folder, "f"))).mode & 0o777).toBe(0o600);
  });

  test("a file where the directory should be is an error that names the path", async () => {
    await writeFile(join(folder, "file"), "");
    const path = join(folder, "file", "f");
    await expect(writeWholeFile(path, "text")).rejects.toThrow(`write ${path}`);
  });
});

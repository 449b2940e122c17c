import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openDebianArchive } from "../../cluster/programs/debian-archive.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nodelatch-apt-"));
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

it("a release that can't be had is an error with apt's words, not a warning", async () => {
  const options = {
    url: `file:${folder}/none`,
    suites: ["trixie"],
    folder,
    signal: AbortSignal.timeout(60_000),
  };
  await expect(openDebianArchive(options)).rejects.toThrow(/apt-get update .* ended with 100: .*trixie/s);
});

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { parse } from "yaml";
import packageJson from "../package.json" with { type: "json" };
import { startStage } from "../test/simulated/stage.ts";
import { writeKrew } from "./krew.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));
const folder = await mkdtemp(join(tmpdir(), "nodelatch-krew-"));
afterAll(async () => rm(folder, { recursive: true }));

test("the archive holds what the manifest says, and its program talks to a cluster by itself", async () => {
  const url = "https://example.com/kubectl-nodelatch.tar.gz";
  const [archive = "", manifest = ""] = await writeKrew(root, folder, url);
  const plugin: unknown = parse(await readFile(manifest, "utf8"));
  const sha256 = createHash("sha256")
    .update(await readFile(archive))
    .digest("hex");
  const platform = (os: string, arch: string): unknown =>
    expect.objectContaining({
      selector: { matchLabels: { os, arch } },
      uri: url,
      sha256,
      bin: "kubectl-nodelatch",
    });
  expect(plugin).toMatchObject({
    kind: "Plugin",
    metadata: { name: "nodelatch" },
    spec: {
      version: `v${packageJson.version}`,
      platforms: [
        platform("linux", "amd64"),
        platform("linux", "arm64"),
        platform("darwin", "amd64"),
        platform("darwin", "arm64"),
      ],
    },
  });
  await run("tar", ["-xzf", archive, "-C", folder]);
  const program = join(folder, "kubectl-nodelatch");
  expect((await run(program, ["version"])).stdout).toBe(`nodelatch ${packageJson.version}\n`);
  const stage = await startStage();
  try {
    const asked = await run(program, [
      "verify",
      "n1",
      "--kubeconfig",
      await stage.kubeconfigFile("admin"),
    ]).catch((thrown: unknown) => thrown);
    expect(asked).toMatchObject({
      code: 1,
      stdout: "n1: closed\n  node n1 does not exist (waiting does not help)\n",
    });
  } finally {
    await stage.close();
  }
}, 120_000);

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildImage } from "./image.ts";

const projectRoot = fileURLToPath(new URL("..", import.meta.url));
const programs = [{ name: "webhook", entry: "main.ts" }];
const platform = "linux";
let root: string;
let unpacked: string;
let digest: string;

// A project of one small program with the real Node, so that the test stays quick.
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "nodelatch-image-"));
  unpacked = join(root, "unpacked");
  await symlink(join(projectRoot, "node_modules"), join(root, "node_modules"));
  await writeFile(join(root, "package.json"), JSON.stringify({ version: "1.2.3" }));
  await writeFile(join(root, "main.ts"), 'console.log("ran", process.version);\n');
  const out = join(root, "dist", "image.tar");
  digest = (await buildImage({ root, out, reference: "nodelatch:dev", programs, platform })).digest;
  await mkdir(unpacked);
  execFileSync("tar", ["-xf", out, "-C", unpacked]);
}, 120_000);
afterAll(async () => rm(root, { recursive: true, force: true }));

test("the archive's manifest names the image, its configuration and its layers, each named by its digest", async () => {
  const names = (await readdir(unpacked)).sort();
  const manifest: unknown = JSON.parse(await readFile(join(unpacked, "manifest.json"), "utf8"));
  const configName = names.find((name) => name.endsWith(".json") && name !== "manifest.json") ?? "";
  const config: unknown = JSON.parse(await readFile(join(unpacked, configName), "utf8"));
  const layers = names.filter((name) => name.endsWith(".tar"));
  expect(layers).toHaveLength(2);
  expect(config).toMatchObject({
    os: "linux",
    config: { User: "65532:65532", Entrypoint: ["/usr/bin/node", "/app/webhook.mjs"] },
  });
  expect(manifest).toMatchObject([{ Config: configName, RepoTags: ["nodelatch:dev"] }]);
  for (const layer of layers) expect(JSON.stringify(manifest)).toContain(`"${layer}"`);
  for (const name of [configName, ...layers]) {
    expect(await sha256(join(unpacked, name))).toBe(name.replace(/\.(json|tar)$/, ""));
  }
});

test("the unpacked layers hold a Node that runs the program with the image's own loader and libraries", async () => {
  const rootfs = join(root, "rootfs");
  await mkdir(rootfs);
  const layers = (await readdir(unpacked)).filter((name) => name.endsWith(".tar"));
  for (const layer of layers) execFileSync("tar", ["-xf", join(unpacked, layer), "-C", rootfs]);
  const loader = process.arch === "x64" ? "lib64/ld-linux-x86-64.so.2" : "lib/ld-linux-aarch64.so.1";
  const listed = await readdir(join(rootfs, "lib"), { recursive: true });
  const libc = listed.find((path) => path.endsWith("/libc.so.6")) ?? "";
  const libraries = join(rootfs, "lib", libc, "..");
  const command = ["--inhibit-cache", "--library-path", libraries, join(rootfs, "usr/bin/node")];
  const ran = execFileSync(join(rootfs, loader), [...command, join(rootfs, "app/webhook.mjs")], {
    encoding: "utf8",
    env: {},
  });
  expect(ran).toMatch(/^ran v24\./);
});

test("the agent's tools run with what the image holds", async () => {
  const rootfs = join(root, "rootfs");
  const loader = process.arch === "x64" ? "lib64/ld-linux-x86-64.so.2" : "lib/ld-linux-aarch64.so.1";
  const listed = await readdir(join(rootfs, "lib"), { recursive: true });
  const libraries = join(rootfs, "lib", listed.find((path) => path.endsWith("/libc.so.6")) ?? "", "..");
  for (const tool of ["usr/sbin/chroot", "usr/bin/flock", "usr/bin/nsenter"]) {
    const command = ["--inhibit-cache", "--library-path", libraries, join(rootfs, tool), "--version"];
    expect(execFileSync(join(rootfs, loader), command, { encoding: "utf8", env: {} })).toMatch(
      /coreutils|util-linux/,
    );
  }
});

test("a second build has the same bytes and leaves nothing behind", async () => {
  const again = await buildImage({
    root,
    out: join(root, "dist", "image.tar"),
    reference: "nodelatch:dev",
    programs,
    platform,
  });
  expect(again.digest).toBe(digest);
  expect(await readdir(join(root, "dist"))).toEqual(["image.tar"]);
}, 120_000);

test("a missing program leaves the earlier image alone and no half of a new one", async () => {
  const gone = [{ name: "agent", entry: "agent/main.ts" }];
  const failure = buildImage({
    root,
    out: join(root, "dist", "image.tar"),
    reference: "a:b",
    programs: gone,
    platform,
  });
  await expect(failure).rejects.toThrow("agent/main.ts (for agent.mjs)");
  expect(await readdir(join(root, "dist"))).toEqual(["image.tar"]);
  expect(`sha256:${await sha256(join(root, "dist", "image.tar"))}`).toBe(digest);
});

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

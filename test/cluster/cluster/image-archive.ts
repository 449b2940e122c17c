import { createHash } from "node:crypto";
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runOrThrow } from "../process/run.ts";

export interface BusyboxImage {
  /** Full name with tag. */
  readonly name: string;
  readonly command: readonly string[];
}

const applets = [
  "sh",
  "sleep",
  "cat",
  "echo",
  "httpd",
  "wget",
  "nc",
  "ls",
  "ps",
  "id",
  "kill",
  "touch",
  "date",
];

/** Writes a docker archive of an image that holds the machine's static busybox and nothing else: no registry needed. */
export async function writeBusyboxImage(
  image: BusyboxImage,
  file: string,
  signal: AbortSignal,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "nodelatch-image-"));
  try {
    const layer = join(folder, "layer.tar");
    await writeLayer(join(folder, "root"), layer, signal);
    const digest = createHash("sha256")
      .update(await readFile(layer))
      .digest("hex");
    const config = {
      architecture: process.arch === "x64" ? "amd64" : process.arch,
      os: "linux",
      config: { Cmd: image.command, Env: ["PATH=/bin"], WorkingDir: "/" },
      rootfs: { type: "layers", diff_ids: [`sha256:${digest}`] },
      history: [],
    };
    await writeFile(join(folder, "config.json"), JSON.stringify(config));
    const manifest = [{ Config: "config.json", RepoTags: [image.name], Layers: ["layer.tar"] }];
    await writeFile(join(folder, "manifest.json"), JSON.stringify(manifest));
    await tar(file, folder, ["manifest.json", "config.json", "layer.tar"], signal);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function writeLayer(root: string, file: string, signal: AbortSignal): Promise<void> {
  for (const folder of ["bin", "tmp", "proc", "sys", "dev", "etc"]) {
    await mkdir(join(root, folder), { recursive: true });
  }
  await copyFile("/bin/busybox", join(root, "bin", "busybox"));
  for (const applet of applets) await symlink("busybox", join(root, "bin", applet));
  await tar(file, root, ["."], signal);
}

async function tar(
  file: string,
  folder: string,
  names: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const plain = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"];
  await runOrThrow(["tar", ...plain, "-cf", file, "-C", folder, ...names], { timeoutMillis: 60_000, signal });
}

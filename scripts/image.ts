/**
 * Builds the container image `dist/nodelatch-image.tar` from this machine's Node 24 and libraries: no daemon, no
 * base image, no network, no root. For tests and side-loading; published images come from the Dockerfile.
 */
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, realpath, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { bundle, programs, type Program } from "./bundle.ts";
import { writeArchive } from "./image-archive.ts";
import { programEntries, runtimeConfig, runtimeEntries } from "./image-content.ts";
import { writeLayer, type TarFile } from "./image-layer.ts";
import { librariesOf } from "./image-libraries.ts";

export interface ImageRequest {
  readonly root: string;
  /** Where the archive appears, whole or not at all. */
  readonly out: string;
  /** `name:tag`. */
  readonly reference: string;
  readonly programs: readonly Program[];
  /** Where this runs: `process.platform`. */
  readonly platform: string;
}

/**
 * Bundles the programs and writes the archive. Same files in, same bytes out.
 * @throws Error when this is no Linux with glibc, or a program or library is missing.
 */
export async function buildImage(request: ImageRequest): Promise<TarFile> {
  if (request.platform !== "linux") {
    throw new Error(
      `image: built on Linux only (this is ${request.platform}); elsewhere use: docker build .`,
    );
  }
  const node = await realpath(join(request.root, "node_modules", ".bin", "node"));
  const nodeVersion = execFileSync(node, ["--version"], { encoding: "utf8" }).trim();
  if (!nodeVersion.startsWith("v24."))
    throw new Error(`image: ${node} is ${nodeVersion}; expected v24; run: npm ci`);
  const tools = {
    chroot: await realpath("/usr/sbin/chroot"),
    flock: await realpath("/usr/bin/flock"),
    nsenter: await realpath("/usr/bin/nsenter"),
  };
  const ofTarget = [node, ...Object.values(tools)];
  const libraries = new Set(ofTarget.flatMap((program) => librariesOf(program, process.arch)));
  await mkdir(dirname(request.out), { recursive: true });
  // Beside the result, so that the rename at the end is one step on one file system.
  const work = await mkdtemp(join(dirname(request.out), ".image-"));
  try {
    const bundled = await bundle({
      root: request.root,
      outDir: join(work, "app"),
      programs: request.programs,
    });
    const runtime = await writeLayer(
      join(work, "runtime.tar"),
      runtimeEntries({ node, ...tools, libraries: [...libraries].sort() }),
    );
    const app = await writeLayer(join(work, "app.tar"), programEntries(bundled));
    const archive = await writeArchive(join(work, "image.tar"), {
      reference: request.reference,
      arch: process.arch,
      layers: [
        { ...runtime, madeBy: `Node ${nodeVersion} and its libraries` },
        { ...app, madeBy: request.programs.map((program) => `${program.name}.mjs`).join(", ") },
      ],
      config: runtimeConfig(await projectVersion(request.root)),
    });
    await rename(archive.path, request.out);
    return { ...archive, path: request.out };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function projectVersion(root: string): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  if (typeof manifest === "object" && manifest !== null && "version" in manifest)
    return String(manifest.version);
  throw new Error("package.json: no version");
}

const usage = `npm run image -- [--out FILE] [--tag NAME:TAG]

  --out FILE      where to write the docker archive (default dist/nodelatch-image.tar)
  --tag NAME:TAG  its name (default nodelatch:dev)

Import it with: ctr -n k8s.io image import FILE, or: docker load -i FILE`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      out: { type: "string", default: "dist/nodelatch-image.tar" },
      tag: { type: "string", default: "nodelatch:dev" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return;
  }
  const root = fileURLToPath(new URL("..", import.meta.url));
  const started = performance.now();
  const out = resolve(root, values.out);
  const archive = await buildImage({
    root,
    out,
    reference: values.tag,
    programs,
    platform: process.platform,
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`image: ${archive.path} (${values.tag}, ${archive.digest}, ${seconds} s)`);
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}

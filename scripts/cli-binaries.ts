/**
 * `npm run cli:binaries [-- URL]`: `kubectl nodelatch` as one executable for each platform, with Node.js inside, and as
 * the script for those that have it, each in an archive in dist/; with URL, where the archives will be, also the krew
 * manifest that goes with them. Prints the paths. The executables for other platforms are made on Linux, amd64.
 */
import { mkdir, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle, cli, CLI_TARGET } from "./bundle.ts";
import { makeBlob, makeExecutable } from "./cli/executable.ts";
import { fetchNode, npmOf } from "./cli/node-package.ts";
import { PLATFORMS, type Platform } from "./cli/platform.ts";
import { writeArchive, writeManifest, writeScript, type Offer } from "./krew.ts";
import { cacheFolder } from "../test/cluster/programs/cache-folder.ts";

const LICENCES = "kubectl-nodelatch-executable.LICENCES.txt";

const CAVEATS = `Linux: needs glibc >= 2.28 and libstdc++ (not Alpine).
macOS: made on Linux and signed ad hoc; its makers have not run it on a Mac. Should it not start, take the script
kubectl-nodelatch.tar.gz from the same place, which needs Node.js >= 22.19 on the PATH.
`;

export interface BinariesRequest {
  readonly root: string;
  readonly outDir: string;
  /** Where Node.js executables are kept. */
  readonly cache: string;
  readonly platforms: readonly Platform[];
  /** Where the archives will be; undefined: no manifest is written. */
  readonly url: string | undefined;
}

export interface Binary {
  readonly platform: Platform;
  readonly executable: string;
  readonly archive: string;
}

/** @returns what was made for each platform, and the paths of script archive and manifest. */
export async function writeBinaries(request: BinariesRequest): Promise<{
  readonly binaries: readonly Binary[];
  readonly others: readonly string[];
}> {
  const { root, outDir, cache, platforms, url } = request;
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new Error(`executables are made on Linux, amd64; this is ${process.platform}, ${process.arch}`);
  }
  const work = join(outDir, "cli-binaries.partial");
  await mkdir(work, { recursive: true });
  try {
    const programs = [cli];
    const target = CLI_TARGET;
    await bundle({ root, outDir: work, programs, target, format: "cjs", licencesFile: LICENCES });
    const binaries: Binary[] = [];
    for (const platform of platforms)
      binaries.push(await writeBinary(platform, { root, outDir, work, cache }));
    const others = [await writeScript(root, outDir)];
    if (url !== undefined) {
      const offers: Offer[] = binaries.map(({ platform: { os, arch }, archive }) => ({
        os,
        arch,
        archive,
        url: `${url}/${archiveName(os, arch)}`,
        files: ["kubectl-nodelatch", "LICENSE", "LICENCES.txt", "LICENSE-node.txt"],
      }));
      others.push(
        await writeManifest(join(outDir, "nodelatch.yaml"), { offers, homepage: url, caveats: CAVEATS }),
      );
    }
    return { binaries, others };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

interface Folders {
  readonly root: string;
  readonly outDir: string;
  readonly work: string;
  readonly cache: string;
}

async function writeBinary(platform: Platform, { root, outDir, work, cache }: Folders): Promise<Binary> {
  const { os, arch } = platform;
  const npm = npmOf(process.env);
  const [node, maker] = await Promise.all([
    fetchNode(platform.node, cache, npm),
    fetchNode(platform.blobMaker, cache, npm),
  ]);
  const blob = join(work, `blob-${platform.blobMaker.version}`);
  await makeBlob(maker.node, join(work, `${cli.name}.cjs`), blob);
  const executable = join(outDir, `${cli.name}-${os}-${arch}`);
  const signedAs = os === "darwin" ? cli.name : undefined;
  await makeExecutable({ node: node.node, blob, out: executable, signedAs });
  const archive = join(outDir, archiveName(os, arch));
  await writeArchive(archive, [
    { name: "kubectl-nodelatch", mode: 0o755, from: executable },
    { name: "LICENSE", mode: 0o644, from: join(root, "LICENSE") },
    { name: "LICENCES.txt", mode: 0o644, from: join(work, LICENCES) },
    { name: "LICENSE-node.txt", mode: 0o644, from: node.licence },
  ]);
  return { platform, executable, archive };
}

function archiveName(os: string, arch: string): string {
  return `${cli.name}-${os}-${arch}.tar.gz`;
}

/** Where `npm run cli:binaries` keeps what it fetches. */
export function nodeCache(): string {
  return join(cacheFolder(process.env, homedir()), "node-executables");
}

if (import.meta.main) {
  const root = fileURLToPath(new URL("..", import.meta.url));
  const [url] = process.argv.slice(2);
  if (url !== undefined && !URL.canParse(url)) {
    console.error(
      "usage: npm run cli:binaries [-- URL], where the archives will be, e.g. https://example.com/v0.1.0",
    );
    process.exitCode = 2;
  } else {
    try {
      const request = { root, outDir: join(root, "dist"), cache: nodeCache(), platforms: PLATFORMS };
      const { binaries, others } = await writeBinaries({ ...request, url: url?.replace(/\/+$/, "") });
      const paths = [...binaries.flatMap(({ executable, archive }) => [executable, archive]), ...others];
      for (const path of paths) console.log(`cli: ${path}`);
    } catch (error) {
      console.error(`cli: ${error instanceof Error ? error.message : String(error)}`);
      process.exitCode = 1;
    }
  }
}

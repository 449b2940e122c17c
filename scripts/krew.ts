/**
 * `node scripts/krew.ts URL`: an archive of `kubectl nodelatch` as a script and the krew manifest that points to it, for
 * whoever hosts the archive at URL. Prints the paths of both. `npm run cli:binaries` makes the same of executables.
 */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { createGzip } from "node:zlib";
import { stringify } from "yaml";
import packageJson from "../package.json" with { type: "json" };
import { bundleCli, cli } from "./bundle.ts";
import { addFile, writeTar } from "./image-layer.ts";

/** An archive for one platform. */
export interface Offer {
  readonly os: "linux" | "darwin";
  readonly arch: "amd64" | "arm64";
  /** On this machine. */
  readonly archive: string;
  /** Where it will be. */
  readonly url: string;
  /** What krew takes out of it. */
  readonly files: readonly string[];
}

export interface ManifestRequest {
  readonly offers: readonly Offer[];
  readonly homepage: string;
  /** krew shows them after the installation. */
  readonly caveats: string;
}

/** As krew's index wants it (krew.sigs.k8s.io, "Writing Krew plugin manifests"), for the bytes of the archives. */
export async function writeManifest(
  path: string,
  { offers, homepage, caveats }: ManifestRequest,
): Promise<string> {
  const digests = await Promise.all(
    offers.map(async ({ archive }) => {
      const hash = createHash("sha256");
      await pipeline(createReadStream(archive), hash);
      return hash.digest("hex");
    }),
  );
  const manifest = stringify(
    {
      apiVersion: "krew.googlecontainertools.github.com/v1alpha2",
      kind: "Plugin",
      metadata: { name: "nodelatch" },
      spec: {
        version: `v${packageJson.version}`,
        homepage: new URL(homepage).origin,
        shortDescription: "Lock nodes for reboot, and verify that they may",
        description:
          "Takes, shows and ends reboot locks of nodes that Nodelatch guards, says whether a node may reboot, and examines the installation.\n",
        caveats,
        platforms: offers.map(({ os, arch, url, files }, index) => ({
          selector: { matchLabels: { os, arch } },
          uri: url,
          sha256: digests[index],
          bin: "kubectl-nodelatch",
          files: files.map((from) => ({ from, to: "." })),
        })),
      },
    },
    // What krew shows keeps its lines.
    { lineWidth: 0 },
  );
  await writeFile(`${path}.partial`, manifest);
  await rename(`${path}.partial`, path);
  return path;
}

export interface ArchiveEntry {
  readonly name: string;
  readonly mode: number;
  readonly from: string;
}

/** A .tar.gz whose bytes depend on nothing but its entries. */
export async function writeArchive(path: string, entries: readonly ArchiveEntry[]): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  const tar = `${path}.tar.partial`;
  const partial = `${path}.partial`;
  try {
    await writeTar(tar, async (pack) => {
      for (const { name, mode, from } of entries) await addFile(pack, name, mode, from);
    });
    await pipeline(createReadStream(tar), createGzip(), createWriteStream(partial));
    await rename(partial, path);
  } finally {
    await rm(tar, { force: true });
    await rm(partial, { force: true });
  }
  return path;
}

/** Writes `kubectl-nodelatch.mjs` and its archive into outDir; the archive's path. */
export async function writeScript(root: string, outDir: string): Promise<string> {
  await bundleCli(root, outDir);
  return writeArchive(join(outDir, `${cli.name}.tar.gz`), [
    { name: "kubectl-nodelatch", mode: 0o755, from: join(outDir, `${cli.name}.mjs`) },
    { name: "LICENSE", mode: 0o644, from: join(root, "LICENSE") },
    { name: "LICENCES.txt", mode: 0o644, from: join(outDir, `${cli.name}.LICENCES.txt`) },
  ]);
}

/** Writes the script's archive and `nodelatch.yaml` into outDir. One archive for all: it is a script. */
export async function writeKrew(root: string, outDir: string, url: string): Promise<readonly string[]> {
  const archive = await writeScript(root, outDir);
  const files = ["kubectl-nodelatch", "LICENSE", "LICENCES.txt"];
  const offers = (["linux", "darwin"] as const).flatMap((os) =>
    (["amd64", "arm64"] as const).map((arch) => ({ os, arch, archive, url, files })),
  );
  const caveats = "Needs Node.js >= 22.19 on the PATH.\n";
  const manifest = join(outDir, "nodelatch.yaml");
  return [archive, await writeManifest(manifest, { offers, homepage: url, caveats })];
}

if (import.meta.main) {
  const root = fileURLToPath(new URL("..", import.meta.url));
  const [url = ""] = process.argv.slice(2);
  if (!URL.canParse(url)) {
    console.error(
      "usage: node scripts/krew.ts URL, where the archive will be, e.g. https://example.com/nodelatch.tar.gz",
    );
    process.exitCode = 2;
  } else {
    for (const path of await writeKrew(root, join(root, "dist"), url)) console.log(`krew: ${path}`);
  }
}

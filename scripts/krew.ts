/**
 * `node scripts/krew.ts URL`: an archive of `kubectl nodelatch` and the krew manifest that points to it, for whoever
 * hosts the archive at URL. Prints the paths of both.
 */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { createGzip } from "node:zlib";
import { stringify } from "yaml";
import packageJson from "../package.json" with { type: "json" };
import { bundleCli, cli } from "./bundle.ts";
import { addFile, writeTar } from "./image-layer.ts";

/** One archive for all: it is a script. */
const PLATFORMS = [
  ["linux", "amd64"],
  ["linux", "arm64"],
  ["darwin", "amd64"],
  ["darwin", "arm64"],
] as const;

/** As krew's index wants it (krew.sigs.k8s.io, "Writing Krew plugin manifests"). */
export function krewManifest(url: string, sha256: string, version: string): string {
  return stringify({
    apiVersion: "krew.googlecontainertools.github.com/v1alpha2",
    kind: "Plugin",
    metadata: { name: "nodelatch" },
    spec: {
      version: `v${version}`,
      homepage: new URL(url).origin,
      shortDescription: "Lock nodes for reboot, and verify that they may",
      description:
        "Takes, shows and ends reboot locks of nodes that Nodelatch guards, says whether a node may reboot, and examines the installation.\n",
      caveats: "Needs Node.js >= 22.19 on the PATH.\n",
      platforms: PLATFORMS.map(([os, arch]) => ({
        selector: { matchLabels: { os, arch } },
        uri: url,
        sha256,
        bin: "kubectl-nodelatch",
        files: [
          { from: "kubectl-nodelatch", to: "." },
          { from: "LICENSE", to: "." },
          { from: "LICENCES.txt", to: "." },
        ],
      })),
    },
  });
}

/** Writes `kubectl-nodelatch.tar.gz` and `nodelatch.yaml` into outDir. */
export async function writeKrew(root: string, outDir: string, url: string): Promise<readonly string[]> {
  await bundleCli(root, outDir);
  const archive = join(outDir, `${cli.name}.tar.gz`);
  const tar = `${archive}.tar.partial`;
  const partial = `${archive}.partial`;
  try {
    await mkdir(outDir, { recursive: true });
    await writeTar(tar, async (pack) => {
      await addFile(pack, "kubectl-nodelatch", 0o755, join(outDir, `${cli.name}.mjs`));
      await addFile(pack, "LICENSE", 0o644, join(root, "LICENSE"));
      await addFile(pack, "LICENCES.txt", 0o644, join(outDir, `${cli.name}.LICENCES.txt`));
    });
    await pipeline(createReadStream(tar), createGzip({ level: 9 }), createWriteStream(partial));
    await rename(partial, archive);
  } finally {
    await rm(tar, { force: true });
    await rm(partial, { force: true });
  }
  const sha256 = createHash("sha256")
    .update(await readFile(archive))
    .digest("hex");
  const manifest = join(outDir, "nodelatch.yaml");
  await writeFile(`${manifest}.partial`, krewManifest(url, sha256, packageJson.version));
  await rename(`${manifest}.partial`, manifest);
  return [archive, manifest];
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

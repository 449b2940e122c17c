import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { bundle } from "../../scripts/bundle.ts";

export type ServerName = "bare" | "nodelatch";

/** Bundles a server of this folder as the product's programs are; returns the path of the file to run. */
export async function bundleServer(root: string, name: ServerName, into: string): Promise<string> {
  const outDir = join(into, name);
  await mkdir(outDir, { recursive: true });
  const programs = [
    { name, entry: `bench/servers/${name}.ts` },
    { name: "parse-worker", entry: "webhook/parse-worker.ts" },
  ];
  await bundle({ root, outDir, programs });
  return join(outDir, `${name}.mjs`);
}

/** The licence texts that a bundle must carry: MIT, BSD, ISC and Apache-2.0 all ask for theirs to go along. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** Folder of the package that `input` belongs to, e.g. `node_modules/@a/b`; null for the project's own files. */
export function packageOf(input: string): string | null {
  // The last node_modules counts: a package may have its own copy of another one below it.
  const found = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input);
  return found === null ? null : found[0];
}

/**
 * One text with name, version and licence of every package that `inputs` come from, sorted by folder.
 * @param inputs paths relative to `root`, with `/`, as in esbuild's metafile.
 * @throws Error when a package has neither a licence file nor a `license` field: it could not be shipped.
 */
export async function thirdPartyLicences(root: string, inputs: readonly string[]): Promise<string> {
  const folders = new Set<string>();
  for (const input of inputs) {
    const folder = packageOf(input);
    if (folder !== null) folders.add(folder);
  }
  const parts: string[] = [];
  for (const folder of [...folders].sort()) parts.push(await licenceOf(root, folder));
  return `Software bundled with Nodelatch, and its licences.\n\n${parts.join("\n")}`;
}

async function licenceOf(root: string, folder: string): Promise<string> {
  const path = join(root, folder);
  const manifest: unknown = JSON.parse(await readFile(join(path, "package.json"), "utf8"));
  const name = field(manifest, "name") ?? folder;
  const version = field(manifest, "version") ?? "";
  const licence = field(manifest, "license");
  const names = await readdir(path);
  const texts: string[] = [];
  for (const file of names.filter((entry) => /^(licen[cs]e|copying|notice)/i.test(entry)).sort()) {
    texts.push((await readFile(join(path, file), "utf8")).trim());
  }
  if (texts.length === 0 && licence === undefined) {
    throw new Error(`bundle: ${folder} has no licence file and no "license" field; it must not be shipped`);
  }
  const title = `${name} ${version} (${licence ?? "see below"})`;
  return [title, "-".repeat(title.length), ...texts, ""].join("\n");
}

function field(manifest: unknown, key: string): string | undefined {
  if (typeof manifest !== "object" || manifest === null) return undefined;
  const value: unknown = Reflect.get(manifest, key);
  return typeof value === "string" ? value : undefined;
}

/** One layer of the image: a tar whose bytes depend on nothing but its entries. */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { stat } from "node:fs/promises";
import { dirname } from "node:path/posix";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { pack, type Header, type Pack } from "tar-stream";

/** `path` is absolute inside the image; `mode` is octal permission bits. */
export type LayerEntry =
  | { readonly kind: "directory"; readonly path: string; readonly mode: number }
  | { readonly kind: "text"; readonly path: string; readonly mode: number; readonly text: string }
  /** The bytes of `from`, a file of this machine. */
  | { readonly kind: "file"; readonly path: string; readonly mode: number; readonly from: string };

/** A tar on disk; `digest` is `sha256:<hex>` of exactly its bytes. */
export interface TarFile {
  readonly path: string;
  readonly digest: string;
}

/** Writes `entries` and every directory above them to a new tar at `path`, sorted, owned by root, dated 1970. */
export async function writeLayer(path: string, entries: readonly LayerEntry[]): Promise<TarFile> {
  return writeTar(path, async (tar) => {
    for (const entry of inOrder(entries)) await addEntry(tar, entry);
  });
}

/** Writes a new tar at `path` from what `fill` adds, taking its digest on the way. */
export async function writeTar(path: string, fill: (tar: Pack) => Promise<void>): Promise<TarFile> {
  const tar = pack();
  const hash = createHash("sha256");
  const hashing = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  const filling = (async () => {
    try {
      await fill(tar);
      tar.finalize();
    } catch (error) {
      tar.destroy(error instanceof Error ? error : new Error("fill tar", { cause: error }));
      throw error;
    }
  })();
  // A failed fill destroys the tar, so both settle; the fill's own error is the one that says why.
  const [filled, piped] = await Promise.allSettled([
    filling,
    pipeline(tar, hashing, createWriteStream(path)),
  ]);
  if (filled.status === "rejected") throw new Error(`write ${path}`, { cause: filled.reason });
  if (piped.status === "rejected") throw new Error(`write ${path}`, { cause: piped.reason });
  return { path, digest: `sha256:${hash.digest("hex")}` };
}

/** Adds `text` to `tar` under `name`, as root's file of 1970. */
export async function addText(tar: Pack, name: string, mode: number, text: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    tar.entry({ ...fixed(name, mode), type: "file" }, text, (error) => (error ? reject(error) : resolve()));
  });
}

/** Adds the bytes of `from` to `tar` under `name`, as root's file of 1970. */
export async function addFile(tar: Pack, name: string, mode: number, from: string): Promise<void> {
  const { size } = await stat(from);
  await pipeline(createReadStream(from), tar.entry({ ...fixed(name, mode), type: "file", size }));
}

async function addEntry(tar: Pack, entry: LayerEntry): Promise<void> {
  const name = entry.path.slice(1);
  switch (entry.kind) {
    case "directory":
      await new Promise<void>((resolve, reject) => {
        tar.entry({ ...fixed(`${name}/`, entry.mode), type: "directory" }, (error) =>
          error ? reject(error) : resolve(),
        );
      });
      return;
    case "text":
      return addText(tar, name, entry.mode, entry.text);
    case "file":
      return addFile(tar, name, entry.mode, entry.from);
  }
}

function fixed(name: string, mode: number): Pick<Header, "name" | "mode" | "uid" | "gid" | "mtime"> {
  return { name, mode, uid: 0, gid: 0, mtime: new Date(0) };
}

/** Sorted by path, so that a directory stands before what it holds, with the directories nobody named. */
function inOrder(entries: readonly LayerEntry[]): readonly LayerEntry[] {
  const byPath = new Map<string, LayerEntry>();
  for (const entry of entries) {
    if (!entry.path.startsWith("/")) throw new Error(`image path ${entry.path}: expected it to start with /`);
    for (let above = dirname(entry.path); above !== "/"; above = dirname(above)) {
      if (!byPath.has(above)) byPath.set(above, { kind: "directory", path: above, mode: 0o755 });
    }
    byPath.set(entry.path, entry);
  }
  return [...byPath.keys()].sort().flatMap((path) => byPath.get(path) ?? []);
}

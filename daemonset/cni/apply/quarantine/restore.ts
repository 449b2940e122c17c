/** Puts files of the quarantine back where they were, where that name is free. */
import { join } from "node:path";
import { codeOf, reasonOf } from "../../../host/reason.ts";
import { syncDirectory, type FileSystem } from "../file-system.ts";
import type { NetworkLock, TakeNetworkLock } from "../network-lock.ts";
import type { RestoreReport, RestoreWanted } from "../order.ts";
import { moveBack } from "../transfer.ts";
import { removeIfThere } from "../whole-file.ts";
import { filesOf, listDrawers, nameBefore, namesIn, originFileOf, type Drawer } from "./drawer.ts";
import type { Origin } from "./origin.ts";

export interface RestoreOptions {
  readonly files: FileSystem;
  readonly root: string;
  readonly takeLock: TakeNetworkLock;
  /** From the node's own name of a directory to where this process sees it. @throws Error */
  readonly resolve: (nodePath: string) => Promise<string>;
}

/** Under the lock for no longer than so many take. */
const BATCH = 200;
const NOT_LOCKED: NetworkLock = { kind: "held", release: () => {} };

/** Never rejects. Of several files that had one name the newest wins. */
export async function restoreFiles(
  options: RestoreOptions,
  wanted: RestoreWanted,
  signal: AbortSignal,
): Promise<RestoreReport> {
  const restored: string[] = [];
  const left: { path: string; reason: string }[] = [];
  const named = wanted.kind === "named" ? new Set(wanted.paths) : undefined;
  try {
    for (const drawer of listDrawers(options.files, options.root).toReversed()) {
      const { origin } = drawer;
      if (origin === undefined) continue;
      const all = namesIn(options.files, drawer).filter(
        (name) => named === undefined || named.has(join(origin.directory, nameBefore(name))),
      );
      for (let at = 0; at < all.length; at += BATCH) {
        const batch = all.slice(at, at + BATCH);
        const outcome = await restoreBatch(options, drawer, origin, batch, signal);
        restored.push(...outcome.restored);
        left.push(...outcome.left);
      }
      removeIfEmpty(options.files, drawer);
    }
  } catch (thrown) {
    left.push({ path: options.root, reason: reasonOf(thrown) });
  }
  const seen = new Set([...restored, ...left.map(({ path }) => path)]);
  for (const path of named ?? []) if (!seen.has(path)) left.push({ path, reason: "it is not in quarantine" });
  return { restored, left };
}

async function restoreBatch(
  { files, takeLock, resolve }: RestoreOptions,
  drawer: Drawer,
  origin: Origin,
  names: readonly string[],
  signal: AbortSignal,
): Promise<RestoreReport> {
  const nodePath = (name: string): string => join(origin.directory, nameBefore(name));
  const none = (reason: string): RestoreReport => ({
    restored: [],
    left: names.map((name) => ({ path: nodePath(name), reason })),
  });
  let lock: NetworkLock | undefined;
  try {
    if (signal.aborted) return none("given up");
    const directory = await resolve(origin.directory);
    if (files.lstatSync(directory, { throwIfNoEntry: false }) === undefined)
      return none("its directory is gone");
    lock = origin.kind === "lease" ? await takeLock(directory, signal) : NOT_LOCKED;
    if (lock.kind === "not-held") return none(lock.reason);
    const restored: string[] = [];
    const left: { path: string; reason: string }[] = [];
    for (const name of names) {
      const reason = restoreOne(files, drawer, directory, name);
      if (reason === undefined) restored.push(nodePath(name));
      else left.push({ path: nodePath(name), reason });
    }
    if (restored.length > 0) syncDirectory(files, directory);
    return { restored, left };
  } catch (thrown) {
    return none(reasonOf(thrown));
  } finally {
    if (lock?.kind === "held") lock.release();
  }
}

/** Undefined when it is back, else why it stays. */
function restoreOne(files: FileSystem, drawer: Drawer, directory: string, name: string): string | undefined {
  const to = join(directory, nameBefore(name));
  try {
    const partial = join(directory, `.nodelatch-${nameBefore(name)}.partial`);
    return moveBack(files, join(filesOf(drawer), name), to, partial) ? undefined : "its name is taken";
  } catch (thrown) {
    return reasonOf(thrown);
  }
}

/** @throws Error for any other reason than that something is left in it */
export function removeIfEmpty(files: FileSystem, drawer: Pick<Drawer, "path">): void {
  try {
    removeIfThere(files, join(drawer.path, "partial"));
    files.rmdirSync(filesOf(drawer));
    removeIfThere(files, originFileOf(drawer));
    files.rmdirSync(drawer.path);
  } catch (error) {
    const code = codeOf(error);
    if (code !== "ENOTEMPTY" && code !== "ENOENT" && code !== "EEXIST") throw error;
  }
}

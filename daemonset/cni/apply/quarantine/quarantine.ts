/** The quarantine as a whole: how much is in it, what has been there for long enough, and the way back. */
import { join } from "node:path";
import { setImmediate as yieldToOthers } from "node:timers/promises";
import { codeOf, reasonOf } from "../../../host/reason.ts";
import type { FileSystem } from "../file-system.ts";
import type { Quarantine, QuarantineUsage } from "../order.ts";
import { removeIfThere } from "../whole-file.ts";
import type { Cabinet } from "./cabinet.ts";
import { filesOf, listDrawers, namesIn, type Drawer } from "./drawer.ts";
import { drawersToDrop, type Keeping, type SizedDrawer } from "./prune.ts";
import { removeIfEmpty, restoreFiles, type RestoreOptions } from "./restore.ts";

export interface QuarantineOptions extends RestoreOptions {
  readonly cabinet: Cabinet;
  readonly keeping: Keeping;
  readonly wallMillis: () => number;
}

/** Bytes of a block in st_blocks, whatever the file system's own are. */
const BLOCK_BYTES = 512;
const CHUNK = 500;

export function makeQuarantine(options: QuarantineOptions): Quarantine {
  const { files, root, cabinet, keeping } = options;
  let problem: string | undefined;
  const known: Sizes = new Map();
  return {
    async usage() {
      try {
        const drawers = await measured(files, listDrawers(files, root), known);
        const sum: QuarantineUsage = {
          files: drawers.reduce((total, drawer) => total + drawer.files, 0),
          bytes: drawers.reduce((total, drawer) => total + drawer.bytes, 0),
        };
        return problem === undefined ? sum : { ...sum, problem };
      } catch (thrown) {
        return { files: 0, bytes: 0, problem: reasonOf(thrown) };
      }
    },
    async prune(signal) {
      try {
        cabinet.sync();
        const drawers = await measured(files, listDrawers(files, root), known);
        const now = { observedSeconds: cabinet.observedSeconds(drawers), wallMillis: options.wallMillis() };
        for (const drawer of drawersToDrop(drawers, keeping, now, cabinet.inUse())) {
          await drop(files, drawer, signal);
        }
        problem = undefined;
      } catch (thrown) {
        problem = `prune the quarantine: ${reasonOf(thrown)}`;
      }
    },
    restore: async (wanted, signal) => restoreFiles(options, wanted, signal),
  };
}

/** By the drawer's path, with the time at which files were last put in or taken out. */
type Sizes = Map<
  string,
  { readonly changed: bigint | undefined; readonly files: number; readonly bytes: number }
>;

/** A look at each file, but only where something was put in or taken out since the last time. */
async function measured(
  files: FileSystem,
  drawers: readonly Drawer[],
  known: Sizes,
): Promise<readonly SizedDrawer[]> {
  const sized: SizedDrawer[] = [];
  for (const drawer of drawers) {
    const directory = filesOf(drawer);
    const changed = files.lstatSync(directory, { bigint: true, throwIfNoEntry: false })?.mtimeNs;
    const before = known.get(drawer.path);
    if (before !== undefined && before.changed === changed) {
      sized.push({ ...drawer, files: before.files, bytes: before.bytes });
      continue;
    }
    const names = namesIn(files, drawer);
    let bytes = 0;
    for (const [index, name] of names.entries()) {
      if (index % CHUNK === 0) await yieldToOthers();
      const blocks = files.lstatSync(`${directory}/${name}`, { throwIfNoEntry: false })?.blocks ?? 0;
      bytes += blocks * BLOCK_BYTES;
    }
    sized.push({ ...drawer, files: names.length, bytes });
    known.set(drawer.path, { changed, files: names.length, bytes });
  }
  const left = new Set(drawers.map(({ path }) => path));
  for (const path of known.keys()) if (!left.has(path)) known.delete(path);
  return sized;
}

/** Its record goes last: what a crash leaves can still be put back. @throws Error */
async function drop(files: FileSystem, drawer: Drawer, signal: AbortSignal): Promise<void> {
  for (const [index, name] of namesIn(files, drawer).entries()) {
    if (index % CHUNK === 0) await yieldToOthers();
    if (signal.aborted) return;
    try {
      removeIfThere(files, join(filesOf(drawer), name));
    } catch (error) {
      // Nothing here makes directories.
      if (codeOf(error) !== "EISDIR") throw error;
    }
  }
  removeIfEmpty(files, drawer);
}

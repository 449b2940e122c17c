/** What of the quarantine may go, oldest first. Pure. */
import type { Drawer } from "./drawer.ts";

export interface Keeping {
  readonly seconds: number;
  /** On the disk. */
  readonly bytes: number;
}

export interface SizedDrawer extends Drawer {
  readonly bytes: number;
  readonly files: number;
}

export interface PruneTime {
  readonly observedSeconds: number;
  readonly wallMillis: number;
}

/** A drawer takes files for an hour from its date on. */
const FILLED_FOR_SECONDS = 3_600;

/**
 * Too old by the time that the agent has seen pass and by the clock as well: either alone may be wrong, and then files
 * stay. Too much: the oldest go, but never one that is in use or the last one, however large.
 * @param drawers oldest first
 */
export function drawersToDrop(
  drawers: readonly SizedDrawer[],
  keeping: Keeping,
  now: PruneTime,
  inUse: ReadonlySet<string>,
): readonly SizedDrawer[] {
  const dropped = new Set(drawers.filter((drawer) => !inUse.has(drawer.path) && isOld(drawer, keeping, now)));
  let bytes = 0;
  for (const drawer of drawers) if (!dropped.has(drawer)) bytes += drawer.bytes;
  for (const drawer of drawers.slice(0, -1)) {
    if (bytes <= keeping.bytes) break;
    if (dropped.has(drawer) || inUse.has(drawer.path)) continue;
    dropped.add(drawer);
    bytes -= drawer.bytes;
  }
  return drawers.filter((drawer) => dropped.has(drawer));
}

function isOld({ origin, files }: SizedDrawer, keeping: Keeping, now: PruneTime): boolean {
  // Nobody knows where its files came from, or when: only size ends it. Made and never filled: nothing to keep.
  if (origin === undefined) return files === 0;
  const keepSeconds = keeping.seconds + FILLED_FOR_SECONDS;
  const byWatch = now.observedSeconds - origin.observedSeconds >= keepSeconds;
  const byClock = now.wallMillis - origin.wallMillis >= keepSeconds * 1_000;
  return byWatch && byClock;
}

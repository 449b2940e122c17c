/** Puts removal and quarantine together. The real parts come in from main. */
import { relative } from "node:path";
import { resolveHostPath } from "../../runtime/detect/host-path.ts";
import type { ProveLiveness } from "../liveness/liveness.ts";
import { makeApply } from "./apply.ts";
import { realFileSystem, type FileSystem } from "./file-system.ts";
import { makeTakeNetworkLock, type TakeNetworkLock } from "./network-lock.ts";
import type { Apply, Quarantine } from "./order.ts";
import { Cabinet } from "./quarantine/cabinet.ts";
import { ObservedTime, type NodeClock } from "./quarantine/observed-time.ts";
import { makeQuarantine } from "./quarantine/quarantine.ts";
import type { Keeping } from "./quarantine/prune.ts";

export interface RemovalOptions {
  /** Where this process sees the node's file system. */
  readonly hostRoot: string;
  /**
   * Where files go, as this process sees it. Best seen through `hostRoot` as the networks are: then a move is a rename,
   * while between two mounts of the same disk it is a copy.
   */
  readonly quarantine: string;
  readonly keeping: Keeping;
  readonly prove: ProveLiveness;
  readonly clock: NodeClock & { readonly wallMillis: () => number; readonly monotonicMillis: () => number };
  /** Defaults to flock(2), waited for 5 s. */
  readonly takeLock?: TakeNetworkLock;
  /** How long pods had to wait for a network's lock, each time it was held. */
  readonly onHeld?: (millis: number) => void;
  readonly files?: FileSystem;
  /** Owner of what this program writes itself. Defaults to root. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

export interface Removal {
  readonly apply: Apply;
  readonly quarantine: Quarantine;
}

export function makeRemoval(options: RemovalOptions): Removal {
  const { hostRoot, quarantine: root, clock, files = realFileSystem, owner = { uid: 0, gid: 0 } } = options;
  const self = { mode: 0o600, ...owner };
  const observed = new ObservedTime(files, root, clock, self);
  const nodePath = (path: string): string => nodePathOf(hostRoot, path);
  const cabinet = new Cabinet({ files, root, clock, observed, self, nodePath });
  const { takeLock = makeTakeNetworkLock() } = options;
  const { onHeld } = options;
  return {
    apply: makeApply({
      files,
      cabinet,
      quarantine: root,
      prove: options.prove,
      takeLock,
      monotonicMillis: () => clock.monotonicMillis(),
      ...(onHeld === undefined ? {} : { onHeld }),
    }),
    quarantine: makeQuarantine({
      files,
      root,
      takeLock,
      cabinet,
      keeping: options.keeping,
      wallMillis: () => clock.wallMillis(),
      resolve: async (path) => resolveHostPath(hostRoot, path),
    }),
  };
}

/** The node's own name of what this process sees below `hostRoot`. */
export function nodePathOf(hostRoot: string, path: string): string {
  const below = relative(hostRoot, path);
  return below.startsWith("..") ? path : `/${below}`;
}

/** The drawers that this process fills: one for each directory that it moves files out of, a new one each hour or when full. */
import { codeOf } from "../../../host/reason.ts";
import { syncDirectory, type FileSystem } from "../file-system.ts";
import type { Ownership } from "../whole-file.ts";
import { filesOf, listDrawers, makeDrawer, putIn, type Drawer } from "./drawer.ts";
import type { NodeClock, ObservedTime } from "./observed-time.ts";
import type { OriginKind } from "./origin.ts";

export interface CabinetOptions {
  readonly files: FileSystem;
  /** The quarantine, as this process sees it. */
  readonly root: string;
  readonly clock: NodeClock & { readonly wallMillis: () => number };
  readonly observed: ObservedTime;
  readonly self: Ownership;
  /** From a directory as this process sees it to the node's own name of it. */
  readonly nodePath: (path: string) => string;
}

const ROLL_SECONDS = 3_600;
/** Names of a drawer are held and read in one go: 100,000 of them took 5 MiB (bench/README.md, stale-leases). */
export const MOST_FILES = 2_000;

interface Open {
  readonly drawer: Drawer;
  /** Its files, as path. */
  readonly path: string;
  readonly observedSeconds: number;
  /** Names that were put in. */
  readonly names: Set<string>;
}

export class Cabinet {
  readonly #options: CabinetOptions;
  readonly #open = new Map<string, Open>();

  /** Where names have changed that may not be on the disk yet. */
  readonly #unsynced = new Set<string>();

  constructor(options: CabinetOptions) {
    this.#options = options;
  }

  /** To be called before files are put in: a drawer that has been filled for an hour takes no more. */
  rollOver(): void {
    if (this.#open.size === 0) return;
    const now = this.#options.observed.seconds(0);
    for (const [directory, { observedSeconds }] of this.#open) {
      if (now - observedSeconds >= ROLL_SECONDS) this.#open.delete(directory);
    }
  }

  /** Moves a file in and gives where it is. @throws Error; then the file is where it was */
  put(directory: string, name: string, kind: OriginKind): string {
    const { files } = this.#options;
    const from = `${directory}/${name}`;
    try {
      return this.#putIn(directory, name, kind);
    } catch (error) {
      // A `restore` has emptied the drawer and taken it away; or the file itself is gone.
      if (codeOf(error) !== "ENOENT") throw error;
      if (files.lstatSync(from, { throwIfNoEntry: false }) === undefined) throw error;
      this.#open.delete(directory);
      return this.#putIn(directory, name, kind);
    }
  }

  #putIn(directory: string, name: string, kind: OriginKind): string {
    const open = this.#drawer(directory, kind);
    const to = putIn(this.#options.files, open.drawer, open.names, `${directory}/${name}`, name);
    this.#unsynced.add(directory).add(open.path);
    return to;
  }

  /**
   * Once for each pass: a rename that a power cut undoes is a stale file that is found again, and a busy disk takes
   * 0.1 s each time, which after each batch was three minutes for 100,000 leases.
   * @throws Error; what was not synced is tried again the next time
   */
  sync(): void {
    for (const directory of this.#unsynced) {
      try {
        syncDirectory(this.#options.files, directory);
      } catch (error) {
        if (codeOf(error) !== "ENOENT") throw error;
      }
      this.#unsynced.delete(directory);
    }
  }

  /** Paths of drawers that may still be filled. */
  inUse(): ReadonlySet<string> {
    return new Set([...this.#open.values()].map(({ drawer }) => drawer.path));
  }

  /** Of all records, so that lost time can't make old files young or young files old. */
  observedSeconds(drawers: readonly Drawer[]): number {
    return this.#options.observed.seconds(
      Math.max(0, ...drawers.map((one) => one.origin?.observedSeconds ?? 0)),
    );
  }

  #drawer(directory: string, kind: OriginKind): Open {
    const open = this.#open.get(directory);
    const { files, root, clock, self, nodePath } = this.#options;
    if (open !== undefined && open.names.size < MOST_FILES) return open;
    files.mkdirSync(root, { recursive: true, mode: 0o700 });
    const observedSeconds = this.observedSeconds(listDrawers(files, root));
    const origin = {
      directory: nodePath(directory),
      kind,
      wallMillis: Math.max(0, clock.wallMillis()),
      observedSeconds,
    };
    const drawer = makeDrawer(files, root, bootFolder(clock.bootID()), origin, self);
    const made = { drawer, path: filesOf(drawer), observedSeconds, names: new Set<string>() };
    this.#open.set(directory, made);
    return made;
  }
}

function bootFolder(bootID: string | undefined): string {
  return bootID !== undefined && /^[0-9A-Za-z-]{1,64}$/.test(bootID) ? bootID : "unknown-boot";
}

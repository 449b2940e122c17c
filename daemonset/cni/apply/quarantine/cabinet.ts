/** The drawers that this process fills: one for each directory that it moves files out of, a new one each hour. */
import { codeOf } from "../../../host/reason.ts";
import type { FileSystem } from "../file-system.ts";
import type { Ownership } from "../whole-file.ts";
import { listDrawers, makeDrawer, putIn, type Drawer } from "./drawer.ts";
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

export class Cabinet {
  readonly #options: CabinetOptions;
  readonly #open = new Map<string, { readonly drawer: Drawer; readonly observedSeconds: number }>();

  constructor(options: CabinetOptions) {
    this.#options = options;
  }

  /** Moves a file in and gives where it is. @throws Error; then the file is where it was */
  put(directory: string, name: string, kind: OriginKind): string {
    const { files } = this.#options;
    const from = `${directory}/${name}`;
    try {
      return putIn(files, this.#drawer(directory, kind), from, name);
    } catch (error) {
      // A `restore` has emptied the drawer and taken it away; or the file itself is gone.
      if (codeOf(error) !== "ENOENT") throw error;
      if (files.lstatSync(from, { throwIfNoEntry: false }) === undefined) throw error;
      this.#open.delete(directory);
      return putIn(files, this.#drawer(directory, kind), from, name);
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

  #drawer(directory: string, kind: OriginKind): Drawer {
    const open = this.#open.get(directory);
    const { files, root, clock, self, nodePath } = this.#options;
    if (open !== undefined && this.#options.observed.seconds(0) - open.observedSeconds < ROLL_SECONDS) {
      return open.drawer;
    }
    files.mkdirSync(root, { recursive: true, mode: 0o700 });
    const observedSeconds = this.observedSeconds(listDrawers(files, root));
    const origin = {
      directory: nodePath(directory),
      kind,
      wallMillis: Math.max(0, clock.wallMillis()),
      observedSeconds,
    };
    const drawer = makeDrawer(files, root, bootFolder(clock.bootID()), origin, self);
    this.#open.set(directory, { drawer, observedSeconds });
    return drawer;
  }
}

function bootFolder(bootID: string | undefined): string {
  return bootID !== undefined && /^[0-9A-Za-z-]{1,64}$/.test(bootID) ? bootID : "unknown-boot";
}

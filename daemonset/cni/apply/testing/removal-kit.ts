/** A network directory and a quarantine on a real disk, a proof of life that the test makes up, and a clock. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Liveness } from "../../liveness/liveness.ts";
import type { FileSystem } from "../file-system.ts";
import type { TakeNetworkLock } from "../network-lock.ts";
import type { FileReading, LeaseOrder, MoveResult, OrderResult } from "../order.ts";
import { parseOrigin } from "../quarantine/origin.ts";
import { makeRemoval, type Removal } from "../removal.ts";
import { quickFiles } from "./watched-files.ts";

export const BOOT_ID = "0d3ce8a4-2b6c-4f2e-9a52-6f0f6f1f8a11";
export const idOf = (number: number): string => number.toString(16).padStart(64, "0");
export const contentOf = (number: number): string => `${idOf(number)}\r\neth0`;
export const never = new AbortController().signal;

export const PROVEN: Liveness = {
  kind: "proven",
  sandboxes: new Map(),
  otherIDs: new Set(),
  addresses: new Set(),
  namespacePaths: new Set(),
  runtimes: [],
  ownedBy: "own-pod",
};

/** Where the lock is not what is tested: it takes two processes each time. */
export const freeLock: TakeNetworkLock = async () => ({ kind: "held", release: () => {} });

export class RemovalKit {
  /** The node's root, as this process sees it. */
  readonly root = mkdtempSync(join(tmpdir(), "nodelatch-removal-"));
  readonly network = join(this.root, "var/lib/cni/networks/pods");
  readonly results = join(this.root, "var/lib/cni/results");
  readonly quarantineRoot = join(this.root, "var/lib/nodelatch/quarantine");
  readonly clock = { uptime: 100, boot: BOOT_ID as string | undefined, wallMillis: 1_700_000_000_000 };
  liveness: Liveness = PROVEN;
  /** How often it was asked what is alive. */
  proofs = 0;
  readonly heldMillis: number[] = [];

  constructor() {
    mkdirSync(this.network, { recursive: true });
    mkdirSync(this.results, { recursive: true });
  }

  close(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  /** As a process that has just started. */
  removal(
    files: FileSystem = quickFiles,
    part: { readonly takeLock?: TakeNetworkLock; readonly keepBytes?: number } = {},
  ): Removal {
    return makeRemoval({
      hostRoot: this.root,
      quarantine: this.quarantineRoot,
      keeping: { seconds: 14 * 86_400, bytes: part.keepBytes ?? 64 * 1024 * 1024 },
      prove: async () => {
        this.proofs += 1;
        return this.liveness;
      },
      clock: {
        uptimeSeconds: () => this.clock.uptime,
        bootID: () => this.clock.boot,
        wallMillis: () => this.clock.wallMillis,
        monotonicMillis: () => performance.now(),
      },
      ...(part.takeLock === undefined ? {} : { takeLock: part.takeLock }),
      onHeld: (millis) => this.heldMillis.push(millis),
      files,
      owner: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
    });
  }

  lease(name: string, content: string, directory = this.network): FileReading {
    const path = join(directory, name);
    writeFileSync(path, content);
    const { ino } = statSync(path, { bigint: true });
    return { directory, name, ino, content };
  }

  order(leases: readonly FileReading[], part: Partial<LeaseOrder> = {}): LeaseOrder {
    return { network: "pods", directory: this.network, leases, stillStale: () => true, ...part };
  }

  names(directory = this.network): readonly string[] {
    return readdirSync(directory).toSorted();
  }

  /** Everything in quarantine: original path by the node's name, and content. */
  quarantined(): ReadonlyMap<string, string> {
    const found = new Map<string, string>();
    for (const drawer of this.drawers()) {
      const files = join(drawer, "files");
      if (!existsSync(files)) continue;
      const record = join(drawer, "origin.json");
      const directory = existsSync(record)
        ? parseOrigin(readFileSync(record, "utf8"))?.directory
        : "no record";
      for (const name of readdirSync(files)) {
        found.set(`${directory}/${name}`, readFileSync(join(files, name), "utf8"));
      }
    }
    return found;
  }

  drawers(): readonly string[] {
    try {
      return readdirSync(this.quarantineRoot, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .flatMap(({ name }) =>
          readdirSync(join(this.quarantineRoot, name)).map((each) => join(this.quarantineRoot, name, each)),
        )
        .toSorted();
    } catch {
      return [];
    }
  }
}

/** The results of an order that was done. */
export function doneOf(result: OrderResult): ReadonlyMap<string, MoveResult> {
  if (result.kind === "done") return result.results;
  throw new Error(`skipped: ${result.reason}`);
}

export function kindsOf(result: OrderResult): Readonly<Record<string, string>> {
  return Object.fromEntries([...doneOf(result)].map(([name, { kind }]) => [name, kind]));
}

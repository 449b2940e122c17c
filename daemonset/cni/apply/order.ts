/** What is to be moved to quarantine, and what became of it. */
import type { Liveness } from "../liveness/liveness.ts";

/** A file as it was read: it is moved only if it is still the same. */
export interface FileReading {
  /** Its directory, as this process sees it. */
  readonly directory: string;
  readonly name: string;
  readonly ino: bigint;
  /** Its bytes, one character each (latin1): a string is kept in less memory than a small buffer, and compared faster. */
  readonly content: string;
}

/** All of one network directory, whose lock is held while they are moved. At most a batch. */
export interface LeaseOrder {
  readonly network: string;
  readonly directory: string;
  readonly leases: readonly FileReading[];
  /**
   * Asked again under the lock with what was read and listed there.
   * @returns true if the lease may still go.
   */
  readonly stillStale: (lease: FileReading, liveness: Liveness) => boolean;
}

export type MoveResult =
  | { readonly kind: "moved"; readonly to: string }
  | { readonly kind: "gone" }
  /** Another content, another file, or alive after all. */
  | { readonly kind: "changed"; readonly reason: string }
  | { readonly kind: "failed"; readonly message: string; readonly cause: unknown };

export type OrderResult =
  | { readonly kind: "done"; readonly results: ReadonlyMap<string, MoveResult> }
  /** Nothing was touched: the lock is held by another, the file system is read-only, liveness is unproven. */
  | { readonly kind: "skipped"; readonly reason: string };

/** Files that no lock guards: caches, scratch files, dead entries of /run/netns. Of any directories, at most a batch. */
export interface FileOrder {
  readonly files: readonly FileReading[];
  /** As for leases: asked again with what was re-read and re-listed. */
  readonly stillStale: (file: FileReading, liveness: Liveness) => boolean;
}

/** All that the pass asks of removal. Nothing here rejects; each ends soon after its signal. */
export interface Apply {
  /** Results by the file's name. */
  leases(order: LeaseOrder, signal: AbortSignal): Promise<OrderResult>;
  /** Results by `directory/name`. */
  files(order: FileOrder, signal: AbortSignal): Promise<OrderResult>;
}

/** The quarantine as the report and the subcommands need it. Nothing here rejects. */
export interface Quarantine {
  /** How much is kept now. `problem` if it could not be read. */
  usage(): Promise<QuarantineUsage>;
  /**
   * Makes what was moved outlast a power cut, and drops what is older or more than the settings allow, oldest first. After
   * a pass; never while one moves files.
   */
  prune(signal: AbortSignal): Promise<void>;
  /** Puts files back where their names are free, under the network's lock. */
  restore(wanted: RestoreWanted, signal: AbortSignal): Promise<RestoreReport>;
}

export interface QuarantineUsage {
  readonly files: number;
  readonly bytes: number;
  readonly problem?: string;
}

/** Original paths as the node calls them, e.g. `/var/lib/cni/networks/k8s-pod-network/10.42.0.7`; or everything. */
export type RestoreWanted =
  { readonly kind: "all" } | { readonly kind: "named"; readonly paths: readonly string[] };

export interface RestoreReport {
  readonly restored: readonly string[];
  /** With the reason in words, e.g. that the name is taken. */
  readonly left: readonly { readonly path: string; readonly reason: string }[];
}

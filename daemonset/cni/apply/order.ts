/** What is to be moved to quarantine, and what became of it. */
import type { Liveness } from "../liveness/liveness.ts";

/** A file as it was read: it is moved only if it is still the same. */
export interface FileReading {
  /** Its directory, as this process sees it. */
  readonly directory: string;
  readonly name: string;
  readonly ino: bigint;
  readonly content: Uint8Array;
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

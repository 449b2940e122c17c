/**
 * Moves stale files to quarantine: leases under their network's lock, each only if it is still the file that was read
 * and still stale by what is listed then.
 */
import { isIP } from "node:net";
import { relative } from "node:path";
import { codeOf, reasonOf } from "../../host/reason.ts";
import type { Liveness, ProveLiveness } from "../liveness/liveness.ts";
import type { FileSystem } from "./file-system.ts";
import type { TakeNetworkLock } from "./network-lock.ts";
import type { Apply, FileOrder, FileReading, LeaseOrder, MoveResult, OrderResult } from "./order.ts";
import type { Cabinet } from "./quarantine/cabinet.ts";
import { whyNotSame } from "./reread.ts";

export interface ApplyOptions {
  readonly files: FileSystem;
  readonly cabinet: Pick<Cabinet, "put" | "rollOver">;
  /** The quarantine, as this process sees it. */
  readonly quarantine: string;
  readonly prove: ProveLiveness;
  readonly takeLock: TakeNetworkLock;
  readonly monotonicMillis: () => number;
  /** How long pods had to wait for a network's lock, each time it was held. */
  readonly onHeld?: (millis: number) => void;
  /** For the lists that are asked for under the lock. Defaults to 3_000: every pod start waits meanwhile. */
  readonly proveMillis?: number;
}

/** Leases for one hold of the lock: all of them take 20 ms. */
export const LEASE_BATCH = 200;
/** Nobody waits for these but this process. */
export const FILE_BATCH = 1_000;
const PROVE_MILLIS = 3_000;

/** What fails every file of a batch alike: read-only or full. Others may be one file's own: immutable, a bad block. */
const HOPELESS: ReadonlySet<string> = new Set(["EROFS", "ENOSPC", "EDQUOT"]);

export function makeApply(options: ApplyOptions): Apply {
  const { takeLock, monotonicMillis, quarantine } = options;
  return {
    async leases(order, signal) {
      const refusal = refusalOf(order, quarantine);
      if (refusal !== undefined) return skipped(refusal);
      const lock = await takeLock(order.directory, signal);
      if (lock.kind === "not-held") return skipped(lock.reason);
      const beganMillis = monotonicMillis();
      try {
        return await underLock(options, order, signal);
      } finally {
        lock.release();
        options.onHeld?.(monotonicMillis() - beganMillis);
      }
    },
    async files(order, signal) {
      if (order.files.length > FILE_BATCH) return skipped(tooMany(order.files, FILE_BATCH));
      const liveness = await stillProven(options, signal);
      if (liveness.kind === "unproven") return skipped(liveness.reason);
      return moveAll(options, order.files, "file", (file) => order.stillStale(file, liveness), pathOf);
    },
  };
}

async function underLock(
  options: ApplyOptions,
  order: LeaseOrder,
  signal: AbortSignal,
): Promise<OrderResult> {
  const liveness = await stillProven(options, signal);
  if (liveness.kind === "unproven") return skipped(liveness.reason);
  const mayGo = (lease: FileReading): boolean => order.stillStale(lease, liveness);
  return moveAll(options, order.leases, "lease", mayGo, ({ name }) => name);
}

async function stillProven(options: ApplyOptions, signal: AbortSignal): Promise<Liveness> {
  const limit = AbortSignal.timeout(options.proveMillis ?? PROVE_MILLIS);
  const liveness = await options.prove(AbortSignal.any([signal, limit]));
  return signal.aborted ? { kind: "unproven", reason: "given up" } : liveness;
}

/** In one go, without a pause: whatever else this process does comes after it. */
function moveAll(
  options: ApplyOptions,
  readings: FileOrder["files"],
  kind: "lease" | "file",
  mayGo: (reading: FileReading) => boolean,
  keyOf: (reading: FileReading) => string,
): OrderResult {
  options.cabinet.rollOver();
  const results = new Map<string, MoveResult>();
  let hopeless: MoveResult | undefined;
  let isTouched = false;
  for (const reading of readings) {
    const result = hopeless ?? moveOne(options, reading, kind, mayGo);
    results.set(keyOf(reading), result);
    isTouched ||= result.kind === "moved";
    if (result.kind === "failed" && HOPELESS.has(codeOf(result.cause) ?? "")) hopeless = result;
  }
  // Nothing of it worked, and nothing will until somebody has put it right.
  if (hopeless?.kind === "failed" && !isTouched) return skipped(hopeless.message);
  return { kind: "done", results };
}

function moveOne(
  { files, cabinet }: ApplyOptions,
  reading: FileReading,
  kind: "lease" | "file",
  mayGo: (reading: FileReading) => boolean,
): MoveResult {
  const problem = whyNotSame(files, reading);
  if (problem !== undefined) return problem;
  try {
    if (!mayGo(reading)) return { kind: "changed", reason: "it is not stale any more" };
    return { kind: "moved", to: cabinet.put(reading.directory, reading.name, kind) };
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return { kind: "gone" };
    const message = `move ${pathOf(reading)} to quarantine: ${reasonOf(cause)}`;
    return { kind: "failed", message, cause };
  }
}

/** What no decision may ask for. */
function refusalOf(order: LeaseOrder, quarantine: string): string | undefined {
  const { directory, leases } = order;
  if (leases.length > LEASE_BATCH) return tooMany(leases, LEASE_BATCH);
  const stray = leases.find((lease) => lease.directory !== directory || isIP(lease.name) === 0);
  if (stray !== undefined) return `${pathOf(stray)} is no lease of ${directory}`;
  // host-local reads every file below a network's directory, so what lies in there would be freed and counted.
  const inside = relative(directory, quarantine);
  if (inside !== ".." && !inside.startsWith("../"))
    return `the quarantine ${quarantine} is inside ${directory}`;
  return undefined;
}

function tooMany(readings: FileOrder["files"], most: number): string {
  return `${readings.length} files at once, expected at most ${most}`;
}

function pathOf({ directory, name }: FileReading): string {
  return `${directory}/${name}`;
}

function skipped(reason: string): OrderResult {
  return { kind: "skipped", reason };
}

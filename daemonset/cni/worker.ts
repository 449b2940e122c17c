/** Passes over CNI state one at a time, with what is kept between them. */
import { join } from "node:path";
import type { BootIDRead } from "../host/boot/boot-id.ts";
import { Memory } from "./memory/memory.ts";
import { makeMemoryStore, type MemoryStore } from "./memory/store.ts";
import { runCniPass } from "./pass/pass.ts";
import type { CniPorts } from "./pass/request.ts";
import type { CniReport } from "./report/report.ts";
import type { CniSettings } from "./settings.ts";

export const CNI_RESULTS = [
  "done",
  /** What lives could not be proven, so nothing was removed. */
  "unproven",
  /** Something could not be read. */
  "partly-read",
  "off",
  "cut",
  "failed",
] as const;
export type CniResult = (typeof CNI_RESULTS)[number];

export interface CniEnd {
  readonly result: CniResult;
  readonly seconds: number;
  /** Absent if it was off, failed by an error that nobody foresaw, or was cut before it began. */
  readonly report: CniReport | undefined;
}

export interface CniWorkerOptions {
  readonly hostRoot: string;
  /** Where the memory is kept. */
  readonly stateDir: string;
  readonly bootID: BootIDRead;
  readonly settings: CniSettings;
  /** For one pass; what is left waits for the next one. */
  readonly budgetMillis: number;
  readonly ports: CniPorts;
  /** After each pass, before the next one. Its rejection is logged. */
  readonly onEnd: (end: CniEnd) => Promise<void> | void;
}

export interface CniWorker {
  /** Waits for its turn. Never rejects. */
  run(signal: AbortSignal): Promise<CniEnd>;
  /** The last that was not cut. */
  last(): CniEnd | undefined;
}

interface Kept {
  readonly memory: Memory;
  readonly store: MemoryStore;
  readonly stops: Map<string, number>;
}

export function makeCniWorker(options: CniWorkerOptions): CniWorker {
  const { ports, settings } = options;
  let turn: Promise<void> = Promise.resolve();
  let kept: Promise<Kept> | undefined;
  let last: CniEnd | undefined;

  async function pass(signal: AbortSignal): Promise<CniEnd> {
    if (isCniOff(settings)) return { result: "off", seconds: 0, report: undefined };
    if (signal.aborted) return { result: "cut", seconds: 0, report: undefined };
    const beganMillis = ports.monotonicMillis();
    const seconds = (): number => (ports.monotonicMillis() - beganMillis) / 1_000;
    try {
      kept ??= open(options);
      const ends = AbortSignal.any([signal, AbortSignal.timeout(options.budgetMillis)]);
      const report = await runCniPass({ hostRoot: options.hostRoot, settings, ...(await kept) }, ports, ends);
      return { result: resultOf(report, signal), seconds: seconds(), report };
    } catch (err) {
      ports.log.warn({ err }, "CNI pass failed");
      return { result: "failed", seconds: seconds(), report: undefined };
    }
  }

  return {
    async run(signal) {
      const before = turn;
      const over = Promise.withResolvers<void>();
      turn = over.promise;
      try {
        await before;
        const end = await pass(signal);
        if (end.result !== "cut") last = end;
        try {
          await options.onEnd(end);
        } catch (err) {
          ports.log.warn({ err }, "CNI pass not followed up");
        }
        return end;
      } finally {
        over.resolve();
      }
    },
    last: () => last,
  };
}

export function isCniOff({ leases, caches, sandboxRepair }: CniSettings): boolean {
  return leases === "off" && caches === "off" && sandboxRepair === "off";
}

async function open({ stateDir, bootID, ports }: CniWorkerOptions): Promise<Kept> {
  const store = makeMemoryStore({ path: join(stateDir, "leases.json"), readOnly: ports.apply === undefined });
  const read = await store.load();
  if (read.kind === "corrupt" || read.kind === "unreadable") {
    ports.log.warn(read, "what was remembered of leases can't be read; stale ones go ten minutes later");
  }
  const record = read.kind === "read" ? read.record : undefined;
  const known = bootID.kind === "known" ? bootID.bootID : undefined;
  return { memory: new Memory(record, known), store, stops: new Map() };
}

function resultOf({ obstacle, isWhole }: CniReport, signal: AbortSignal): CniResult {
  if (signal.aborted) return "cut";
  if (obstacle !== undefined) return "unproven";
  return isWhole ? "done" : "partly-read";
}

/** What a pass over CNI state is given: settings, memory, and the world outside. */
import type { StopResult } from "../../runtime/runtime.ts";
import type { Apply, Quarantine } from "../apply/order.ts";
import type { ProveLiveness } from "../liveness/liveness.ts";
import type { Memory } from "../memory/memory.ts";
import type { MemoryStore } from "../memory/store.ts";
import type { CniSettings } from "../settings.ts";

/** As pino has it. */
export interface CniLog {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}

export interface CniPorts {
  readonly prove: ProveLiveness;
  /** Undefined: a scan, which changes nothing. */
  readonly apply: Apply | undefined;
  readonly quarantine: Quarantine | undefined;
  /** Never rejects. The sandbox has just been listed as NOTREADY. */
  readonly stopSandbox: (id: string, signal: AbortSignal) => Promise<StopResult>;
  /** Why no sandbox is to be stopped now, e.g. that kubelet does not run; undefined if nothing is in the way. */
  readonly repairObstacle: () => Promise<string | undefined> | string | undefined;
  readonly monotonicMillis: () => number;
  /** Milliseconds since the epoch, for people alone. */
  readonly wallMillis: () => number;
  readonly log: CniLog;
}

export interface CniPassRequest {
  /** Where the node's file system is seen. */
  readonly hostRoot: string;
  readonly settings: CniSettings;
  /** Kept from pass to pass, one pass at a time. */
  readonly memory: Memory;
  readonly store: MemoryStore;
  /** How often each sandbox was stopped; kept from pass to pass. */
  readonly stops: Map<string, number>;
}

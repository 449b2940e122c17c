/** What a pass is given: runtimes, settings, and the world outside. */
import type { ContainerRuntime } from "../runtime/runtime.ts";
import type { ApplyRequest, ApplySettings } from "./apply.ts";
import type { History } from "./history.ts";
import type { Clock } from "./observation.ts";
import type { Outcome } from "./outcome.ts";
import type { ReadReport } from "./report.ts";
import type { ContainersSettings, OwnPod, Phase, Rule } from "./settings.ts";

export interface PassTarget {
  /** The same from pass to pass, e.g. the socket's path: a label may change once the runtime has said its name. */
  readonly key: string;
  readonly runtime: ContainerRuntime;
  /**
   * IDs of containers that are being made as far as anything but the runtime's lists knows (state-directory.ts,
   * reservation.ts). It is asked before the lists, and not at shutdown.
   */
  readonly suspectedCreates?: ((signal: AbortSignal) => Promise<readonly string[]>) | undefined;
  /**
   * Whether the container has a task (state-directory.ts). Absent where that can't be told, as with CRI-O: then a start
   * under way would not be noticed.
   */
  readonly hasTask?: ApplyRequest["hasTask"];
}

/** As pino has it. */
export interface PassLog {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}

export interface PassMetrics {
  /** Once for each runtime of each pass. */
  passed(phase: Phase, read: boolean, seconds: number): void;
  /** Once for each removal decided. */
  settled(phase: Phase, rule: Rule, outcome: Outcome["kind"]): void;
  /** How many containers of all runtimes the last pass kept, by reason. */
  kept(counts: ReadReport["kept"]): void;
}

export interface PassPorts {
  readonly clock: Clock;
  readonly sleep: ApplyRequest["sleep"];
  readonly random: () => number;
  readonly log: PassLog;
  readonly metrics: PassMetrics;
}

/** containerd listed 100 containers in 8 ms (facts/containers.md 1.3), but a node at boot is busy and cards are slow. */
export const DEFAULT_LIST_TIMEOUT_MILLIS = 10_000;

export interface PassRequest {
  readonly phase: Phase;
  readonly targets: readonly PassTarget[];
  readonly settings: ContainersSettings;
  readonly apply: ApplySettings;
  /** Longest wait for one of the lists. */
  readonly listTimeoutMillis: number;
  readonly own: OwnPod;
  /** Known, not guessed: nothing answers on its health port, or its unit is inactive. */
  readonly kubeletStopped: boolean;
  /** Kept from pass to pass, one pass at a time: what may only go when seen twice depends on it. */
  readonly history: History;
}

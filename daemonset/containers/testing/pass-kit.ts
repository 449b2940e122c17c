/** A pass over fake runtimes with a clock that only tests move, and everything it said. */
import { DEFAULT_APPLY, type ApplySettings } from "../apply.ts";
import { History } from "../history.ts";
import type { Outcome } from "../outcome.ts";
import { runPass } from "../pass.ts";
import type { PassPorts, PassRequest, PassTarget } from "../pass-request.ts";
import type { PassReport, ReadReport } from "../report.ts";
import { DEFAULT_SETTINGS, type OwnPod, type Phase } from "../settings.ts";
import type { FakeRuntime } from "./fake-runtime.ts";

export const WALL_NANOS = 1_800_000_000_000_000_000n;
export const HOUR_NANOS = 3_600_000_000_000n;

export interface LogLine {
  readonly level: "info" | "warn";
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

export class PassKit {
  nowMillis = 1_000;
  wallNanos = WALL_NANOS;
  own: OwnPod = { kind: "pod", uid: "agent" };
  readonly history = new History();
  readonly lines: LogLine[] = [];
  readonly slept: number[] = [];
  readonly settled: string[] = [];
  readonly passed: string[] = [];
  readonly seconds: number[] = [];
  keptCounts: ReadReport["kept"] = {};
  /** Runs while the pass sleeps between tries. */
  onSleep: () => void = () => {};

  readonly ports: PassPorts = {
    clock: { monotonicMillis: () => this.nowMillis, wallNanos: () => this.wallNanos },
    sleep: async (millis) => {
      this.slept.push(millis);
      this.nowMillis += millis;
      this.onSleep();
    },
    random: () => 1,
    log: {
      info: (fields, message) => this.lines.push({ level: "info", fields, message }),
      warn: (fields, message) => this.lines.push({ level: "warn", fields, message }),
    },
    metrics: {
      passed: (phase, read, seconds) => {
        this.passed.push(`${phase} ${read ? "read" : "unread"}`);
        this.seconds.push(seconds);
      },
      settled: (phase, rule, outcome: Outcome["kind"]) => this.settled.push(`${phase} ${rule} ${outcome}`),
      kept: (counts) => (this.keptCounts = counts),
    },
  };

  pass(
    phase: Phase,
    targets: readonly (FakeRuntime | PassTarget)[],
    part: Partial<Omit<PassRequest, "apply">> & {
      readonly apply?: Partial<ApplySettings>;
      readonly signal?: AbortSignal;
    } = {},
  ): Promise<PassReport> {
    const { apply, signal = new AbortController().signal, ...rest } = part;
    return runPass(
      {
        phase,
        targets: targets.map((target) =>
          "runtime" in target
            ? target
            : { key: target.label, runtime: target, hasTask: async () => Promise.resolve(false) },
        ),
        settings: DEFAULT_SETTINGS,
        own: this.own,
        kubeletStopped: false,
        history: this.history,
        listTimeoutMillis: 1_000,
        ...rest,
        apply: { ...DEFAULT_APPLY, ...apply },
      },
      this.ports,
      signal,
    );
  }
}

/** The report of the only runtime, which was read. */
export function readReport(report: PassReport): ReadReport {
  const [runtime] = report.runtimes;
  if (report.runtimes.length !== 1 || runtime?.kind !== "read") {
    throw new Error(`not one runtime that was read: ${JSON.stringify(report)}`);
  }
  return runtime;
}

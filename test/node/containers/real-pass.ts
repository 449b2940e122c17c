/** Whole passes over a real runtime, with a clock that a test may move on instead of waiting for a grace to end. */
import { DEFAULT_APPLY } from "../../../daemonset/containers/apply.ts";
import { Diagnoses, type Diagnosed } from "../../../daemonset/containers/diagnose.ts";
import { History } from "../../../daemonset/containers/history.ts";
import { runPass } from "../../../daemonset/containers/pass.ts";
import type { PassPorts, PassTarget } from "../../../daemonset/containers/pass-request.ts";
import { DEFAULT_LIST_TIMEOUT_MILLIS } from "../../../daemonset/containers/pass-request.ts";
import type { ReadReport } from "../../../daemonset/containers/report.ts";
import { DEFAULT_SETTINGS, type Phase } from "../../../daemonset/containers/settings.ts";
import { readReport } from "../../../daemonset/containers/testing/pass-kit.ts";
import { realTime } from "../../../daemonset/host/time.ts";

export class RealPasses {
  readonly #target: PassTarget;
  readonly #history = new History();
  readonly #diagnoses = new Diagnoses();
  #skippedMillis = 0;
  /** Of the last pass. */
  diagnosed: Diagnosed = { begun: [], ended: [] };

  readonly #ports: PassPorts = {
    clock: {
      monotonicMillis: () => performance.now() + this.#skippedMillis,
      wallNanos: () => BigInt(Date.now()) * 1_000_000n,
    },
    sleep: async (millis, signal) => realTime.sleep(millis, signal),
    random: Math.random,
    log: { info: () => {}, warn: () => {} },
    metrics: { passed: () => {}, settled: () => {}, kept: () => {} },
  };

  constructor(target: PassTarget) {
    this.#target = target;
  }

  skip(millis: number): void {
    this.#skippedMillis += millis;
  }

  async pass(phase: Phase = "boot"): Promise<ReadReport> {
    const report = await runPass(
      {
        phase,
        targets: [this.#target],
        settings: DEFAULT_SETTINGS,
        // A second per call would be a bet on an idle machine.
        apply: { ...DEFAULT_APPLY, callTimeoutMillis: 20_000 },
        listTimeoutMillis: DEFAULT_LIST_TIMEOUT_MILLIS,
        own: { kind: "none" },
        kubeletStopped: false,
        history: this.#history,
      },
      this.#ports,
      AbortSignal.timeout(120_000),
    );
    this.diagnosed = this.#diagnoses.update(report, [], this.#ports.clock.monotonicMillis());
    return readReport(report);
  }

  /** Two looks with the whole grace between them, as what stands in a READY sandbox needs. */
  async secondPass(): Promise<ReadReport> {
    this.skip(DEFAULT_SETTINGS.graceMillis.boot);
    return this.pass();
  }
}

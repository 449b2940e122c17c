/** kured's pods, one life of the stand-in after the other, on the fleet's clock. */
import { gatedCommand, KURED_NAMESPACE } from "../kured/options.ts";
import { runKured } from "../kured/kured.ts";
import type { Machine } from "./machine.ts";
import { KURED } from "./tools.ts";
import type { VirtualTime } from "./virtual-time.ts";
import type { Send } from "./wire.ts";

export interface KuredToolParts {
  readonly machine: Machine;
  readonly time: VirtualTime;
  readonly dice: () => number;
  /** As its pod on the machine. */
  readonly send: Send;
  /** It holds nothing and has nothing to do. */
  readonly onIdle: () => void;
}

/** The kubelet's first back-off. */
const RESTART_MILLIS = 10_000;

export class KuredTool {
  readonly #parts: KuredToolParts;
  #life = new AbortController();
  exits = 0;

  constructor(parts: KuredToolParts) {
    this.#parts = parts;
    this.#life.abort();
  }

  /** Starts it, or kills it and lets the kubelet start it again. */
  start(): void {
    const { machine, time } = this.#parts;
    const isFirst = this.#life.signal.aborted;
    this.#life.abort(new Error("killed"));
    this.#life = new AbortController();
    const signal = AbortSignal.any([machine.power, this.#life.signal]);
    time.after(isFirst ? 0 : RESTART_MILLIS, () => void this.#live(signal));
  }

  async #live(signal: AbortSignal): Promise<void> {
    const { machine, time, dice, send, onIdle } = this.#parts;
    const options = {
      node: machine.name,
      dsNamespace: KURED_NAMESPACE,
      // A DaemonSet for each node: how kured's pods wait for each other is not in question here.
      dsName: machine.name,
      startMillis: 5_000 + dice() * 10_000,
      periodMillis: 15_000 + dice() * 30_000,
      rebootDelayMillis: 5_000 + dice() * 20_000,
      drainTimeoutMillis: 0,
      forceReboot: false,
      annotateNodes: false,
      preRebootNodeLabels: {},
      postRebootNodeLabels: {},
      concurrency: 1,
      rebootCommand: gatedCommand("verify", "reboot"),
    };
    const host = {
      needsReboot: async () => {
        const isWanted = machine.wantedBy.has(KURED.username);
        // It is asked only after a hold from before has been given up.
        if (!isWanted) this.#life.abort(new Error("idle"));
        if (!isWanted) onIdle();
        return Promise.resolve(isWanted);
      },
      run: async () => {
        const isOpen = await machine.mayReboot(KURED.username, signal);
        signal.throwIfAborted();
        if (isOpen) machine.reboot(KURED.username);
        return { code: isOpen ? 0 : 1, out: "" };
      },
    };
    const clock = {
      monotonicMillis: () => time.nowMillis,
      sleep: async (millis: number, until?: AbortSignal) => time.sleep(millis, until),
      random: dice,
    };
    while (!signal.aborted) {
      const end = await runKured(
        options,
        { send, host, time: clock, onSent: () => {}, log: () => {} },
        signal,
      );
      if (end.kind === "killed") return;
      this.exits += 1;
      await time.sleep(RESTART_MILLIS, signal);
    }
  }
}

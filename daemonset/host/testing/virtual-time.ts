/** Time for tests: it passes when told to, and every wait is on the record. */
import { setImmediate as settle } from "node:timers/promises";
import type { Time } from "../time.ts";

interface Sleeper {
  readonly atMillis: number;
  readonly wake: () => void;
}

export class VirtualTime implements Time {
  #millis = 0;
  #sleepers: Sleeper[] = [];
  /** How long each sleep asked for, in order. */
  readonly sleeps: number[] = [];
  readonly #random: number;

  /** @param random what `random()` always says. */
  constructor(random = 0.5) {
    this.#random = random;
  }

  monotonicMillis(): number {
    return this.#millis;
  }

  random(): number {
    return this.#random;
  }

  /** How many sleep now. */
  get sleeping(): number {
    return this.#sleepers.length;
  }

  async sleep(millis: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return;
    this.sleeps.push(millis);
    const { promise, resolve } = Promise.withResolvers<void>();
    const sleeper = { atMillis: this.#millis + millis, wake: resolve };
    this.#sleepers.push(sleeper);
    signal?.addEventListener("abort", () => {
      this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
      resolve();
    });
    await promise;
  }

  /** Lets time pass, waking who is due in order and letting all that follows from it happen. */
  async pass(millis: number): Promise<void> {
    const end = this.#millis + millis;
    await settleAll();
    for (;;) {
      const next = this.#sleepers.toSorted((a, b) => a.atMillis - b.atMillis)[0];
      if (next === undefined || next.atMillis > end) break;
      this.#sleepers = this.#sleepers.filter((other) => other !== next);
      this.#millis = Math.max(this.#millis, next.atMillis);
      next.wake();
      await settleAll();
    }
    this.#millis = end;
  }
}

async function settleAll(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await settle();
}

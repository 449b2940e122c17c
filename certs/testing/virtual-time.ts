/**
 * Time that passes only when told to, and a scheduler that decides who goes next by a seeded dice. With it a race that
 * happens once in a million runs happens at a given seed, every time.
 */
import { setImmediate as settle } from "node:timers/promises";

interface Waiter {
  readonly who: string;
  readonly atMillis: number;
  readonly go: () => void;
}

export class VirtualTime {
  #millis = 0;
  #waiters: Waiter[] = [];
  readonly #frozenUntil = new Map<string, number>();
  readonly #dice: () => number;

  constructor(dice: () => number) {
    this.#dice = dice;
  }

  get millis(): number {
    return this.#millis;
  }

  /** Waits for at least that long; whose turn it then is, the dice say. */
  async wait(who: string, millis: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiter = { who, atMillis: this.#millis + millis, go: resolve };
    this.#waiters.push(waiter);
    signal?.addEventListener("abort", () => {
      this.#waiters = this.#waiters.filter((other) => other !== waiter);
      resolve();
    });
    await promise;
  }

  /** Nothing of `who` goes on any more, as if the process had been killed. */
  kill(who: string): void {
    this.#waiters = this.#waiters.filter((waiter) => waiter.who !== who);
  }

  /** As if the machine slept: nothing of `who` goes on before. */
  freeze(who: string, millis: number): void {
    this.#frozenUntil.set(who, this.#millis + millis);
  }

  /** Lets time pass; `after` is called when each step is done. */
  async pass(millis: number, after: () => void = () => {}): Promise<void> {
    const end = this.#millis + millis;
    await settle();
    for (;;) {
      const due = this.#waiters.filter((waiter) => this.#dueAt(waiter) <= this.#millis);
      const next = due[Math.floor(this.#dice() * due.length)];
      if (next === undefined) {
        const soonest = Math.min(...this.#waiters.map((waiter) => this.#dueAt(waiter)));
        if (soonest > end) break;
        this.#millis = soonest;
        continue;
      }
      this.#waiters = this.#waiters.filter((waiter) => waiter !== next);
      next.go();
      // All that follows without waiting is done when this comes back.
      await settle();
      after();
    }
    this.#millis = end;
  }

  #dueAt({ who, atMillis }: Waiter): number {
    return Math.max(atMillis, this.#frozenUntil.get(who) ?? 0);
  }
}

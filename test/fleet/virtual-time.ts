/**
 * A clock that stands still while anything is done, and then jumps to what is due next. One thing is done at a time, in
 * an order that depends on due times alone, so that a run comes again with its seed.
 */
import { setImmediate as turn } from "node:timers/promises";

interface Due {
  readonly atMillis: number;
  readonly order: number;
  readonly act: () => Promise<void> | void;
}

export class VirtualTime {
  #nowMillis = 0;
  #orders = 0;
  /** A binary heap, the earliest first; of equals the one that was there first. */
  readonly #heap: Due[] = [];

  get nowMillis(): number {
    return this.#nowMillis;
  }

  at(atMillis: number, act: () => Promise<void> | void): void {
    this.#orders += 1;
    this.#heap.push({ atMillis: Math.max(atMillis, this.#nowMillis), order: this.#orders, act });
    this.#rise(this.#heap.length - 1);
  }

  after(millis: number, act: () => Promise<void> | void): void {
    this.at(this.#nowMillis + millis, act);
  }

  /** Resolves after that long, or at once when the signal aborts; never rejects. */
  async sleep(millis: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      signal?.addEventListener("abort", wake, { once: true });
      this.after(millis, wake);
    });
  }

  /** Does what is due until `isOver`, which is asked before each step. False if there was nothing left to do before. */
  async run(isOver: () => boolean): Promise<boolean> {
    // What was begun before this call may only now come to its first wait.
    await settled();
    while (!isOver()) {
      const due = this.#take();
      if (due === undefined) return false;
      this.#nowMillis = due.atMillis;
      await due.act();
      await settled();
    }
    return true;
  }

  #take(): Due | undefined {
    const [first] = this.#heap;
    const last = this.#heap.pop();
    if (first === undefined || last === undefined || this.#heap.length === 0) return first;
    this.#heap[0] = last;
    this.#sink(0);
    return first;
  }

  #rise(from: number): void {
    for (let at = from; at > 0;) {
      const parent = (at - 1) >> 1;
      if (!this.#swapIfBefore(at, parent)) return;
      at = parent;
    }
  }

  #sink(from: number): void {
    for (let at = from; ;) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      const child = isBefore(this.#heap[right], this.#heap[left]) ? right : left;
      if (!this.#swapIfBefore(child, at)) return;
      at = child;
    }
  }

  #swapIfBefore(one: number, other: number): boolean {
    const [first, second] = [this.#heap[one], this.#heap[other]];
    if (first === undefined || second === undefined || !isBefore(first, second)) return false;
    this.#heap[one] = second;
    this.#heap[other] = first;
    return true;
  }
}

function isBefore(one: Due | undefined, other: Due | undefined): boolean {
  if (one === undefined) return false;
  if (other === undefined || one.atMillis !== other.atMillis) {
    return other === undefined || one.atMillis < other.atMillis;
  }
  return one.order < other.order;
}

/** Until everything that was woken waits again: no one here waits for anything but this clock. */
async function settled(): Promise<void> {
  await turn();
}

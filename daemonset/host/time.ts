/** Time and chance, as parameters: the agent never asks the wall clock to decide anything (it may be wrong at boot). */
import { setTimeout as delay } from "node:timers/promises";

export interface Time {
  /** Never goes back, whatever happens to the wall clock. */
  monotonicMillis(): number;
  /** Resolves after that long, or at once when the signal aborts; never rejects. Keeps no process alive. */
  sleep(millis: number, signal?: AbortSignal): Promise<void>;
  /** In [0, 1). */
  random(): number;
}

export const realTime: Time = {
  monotonicMillis: () => performance.now(),
  async sleep(millis, signal) {
    try {
      await delay(millis, undefined, { ref: false, ...(signal === undefined ? {} : { signal }) });
    } catch {
      // Aborted: the caller looks at its signal.
    }
  },
  random: () => Math.random(),
};

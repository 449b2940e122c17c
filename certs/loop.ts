/** Runs a pass again and again: after the poll time when it worked, after a growing one when it did not. */
import type { Logger } from "pino";
import { failureOf } from "../kube/failure.ts";
import { backoffMillis } from "../program/backoff.ts";
import type { World } from "./ports.ts";

/** No wait is longer, so that a machine that slept or a clock that jumped is noticed within a minute. */
const MAX_WAIT_MILLIS = 60_000;
const FIRST_BACKOFF_MILLIS = 1_000;
/** Keeps a pass that always finds something due from becoming a busy loop. */
const MIN_WAIT_MILLIS = 200;

export interface LoopOptions {
  readonly world: World;
  readonly log: Logger;
  /** For logs, e.g. `certificate Secret ns/name`. */
  readonly what: string;
  readonly pollMillis: number;
  /** Longest wait after failures; for what costs nobody anything it may be short. */
  readonly maxBackoffMillis: number;
  /** Does the work; gives the time after which it would like to go on, if that is sooner than the next poll. */
  readonly pass: (signal: AbortSignal) => Promise<number | undefined>;
  /** Told the sentence of a failed pass, undefined after one that worked. */
  readonly onTrouble: (sentence: string | undefined) => void;
  /** Called before each wait; its signal ends that wait early. */
  readonly wake?: () => AbortSignal;
}

/** Resolves when the signal aborts; never rejects. */
export async function runLoop(options: LoopOptions, signal: AbortSignal): Promise<void> {
  const { world, log, what } = options;
  let failures = 0;
  let told: string | undefined;
  while (!signal.aborted) {
    const wake = options.wake?.();
    let waitMillis: number;
    try {
      const soonerMillis = await options.pass(signal);
      if (told !== undefined) log.info({ what }, "certificate source works again");
      failures = 0;
      told = undefined;
      options.onTrouble(undefined);
      const poll = options.pollMillis * (0.9 + 0.2 * world.random());
      waitMillis = Math.max(
        Math.min(poll, soonerMillis ?? poll),
        Math.min(MIN_WAIT_MILLIS, options.pollMillis),
      );
    } catch (thrown) {
      if (signal.aborted) return;
      const { sentence } = failureOf(thrown);
      options.onTrouble(`${what}: ${sentence}`);
      // The same trouble every few seconds is one line, not hundreds.
      if (sentence !== told)
        log.warn({ what, err: thrown }, "certificate source fails; keeping what is served");
      told = sentence;
      failures += 1;
      const bounds = { firstMillis: FIRST_BACKOFF_MILLIS, maxMillis: options.maxBackoffMillis };
      waitMillis = backoffMillis(failures, bounds, world.random());
    }
    const ends = wake === undefined ? signal : AbortSignal.any([signal, wake]);
    await world.sleep(Math.min(waitMillis, MAX_WAIT_MILLIS), ends);
  }
}

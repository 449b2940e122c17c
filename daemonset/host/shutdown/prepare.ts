/** What happens between the announcement of a shutdown and letting it go on. */
import { reasonOf } from "../reason.ts";
import type { Time } from "../time.ts";
import { shutdownBudgetMillis } from "./decide.ts";

/**
 * The work before a shutdown.
 * @param signal aborts when the time is over or the shutdown was cancelled: start nothing more then.
 */
export type ShutdownPass = (signal: AbortSignal, budgetMillis: number) => Promise<void>;

export interface PrepareOptions {
  readonly pass: ShutdownPass;
  /** Lets go of the lock. Called exactly once, whatever happens. */
  readonly release: () => Promise<void>;
  /** Reads logind's bound; undefined or a rejection when it can't be had. */
  readonly readDelayMaxMillis: (signal: AbortSignal) => Promise<number | undefined>;
  readonly settingMillis: number;
  readonly time: Time;
  /** Aborts when the shutdown is cancelled. */
  readonly cancelled: AbortSignal;
}

export type PrepareOutcome = {
  readonly budgetMillis: number;
  /** From the announcement to when the lock was gone. */
  readonly tookMillis: number;
} & (
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly reason: string }
  /** The pass was still at it when the budget was used up; it was told to stop and not waited for. */
  | { readonly kind: "out-of-time" }
  | { readonly kind: "cancelled" }
  /** logind grants no time to speak of: nothing was begun. */
  | { readonly kind: "no-time" }
);

/** Asking logind is a matter of a millisecond; more than this is not waited for. */
const READ_DELAY_MILLIS = 300;

/** Runs the pass within the budget, then lets go. Never rejects. */
export async function prepareForShutdown(options: PrepareOptions): Promise<PrepareOutcome> {
  const { time } = options;
  const startMillis = time.monotonicMillis();
  const elapsed = (): number => time.monotonicMillis() - startMillis;
  const delayMaxMillis = await readInTime(options);
  const budgetMillis = shutdownBudgetMillis(delayMaxMillis, options.settingMillis);
  const end =
    budgetMillis === 0 ? ({ kind: "no-time" } as const) : await passInTime(options, budgetMillis, elapsed);
  try {
    await options.release();
  } catch (error) {
    return { kind: "failed", reason: `let go: ${reasonOf(error)}`, budgetMillis, tookMillis: elapsed() };
  }
  return { ...end, budgetMillis, tookMillis: elapsed() };
}

async function passInTime(
  { pass, time, cancelled }: PrepareOptions,
  budgetMillis: number,
  elapsed: () => number,
): Promise<{ kind: "done" | "out-of-time" | "cancelled" } | { kind: "failed"; reason: string }> {
  const over = new AbortController();
  const finished = new AbortController();
  async function work(): Promise<{ kind: "done" } | { kind: "failed"; reason: string }> {
    try {
      await pass(over.signal, budgetMillis - elapsed());
      return { kind: "done" };
    } catch (error) {
      return { kind: "failed", reason: reasonOf(error) };
    }
  }
  async function clock(): Promise<{ kind: "out-of-time" | "cancelled" }> {
    await time.sleep(budgetMillis - elapsed(), AbortSignal.any([finished.signal, cancelled]));
    return { kind: cancelled.aborted ? "cancelled" : "out-of-time" };
  }
  const end = await Promise.race([work(), clock()]);
  const late = new Error("the time before the shutdown is used up");
  over.abort(end.kind === "cancelled" ? cancelled.reason : late);
  finished.abort();
  return end;
}

async function readInTime({ readDelayMaxMillis, time }: PrepareOptions): Promise<number | undefined> {
  const over = new AbortController();
  const answered = new AbortController();
  const answer = readDelayMaxMillis(over.signal).catch(() => undefined);
  const value = await Promise.race([answer, time.sleep(READ_DELAY_MILLIS, answered.signal)]);
  answered.abort();
  over.abort();
  return typeof value === "number" ? value : undefined;
}

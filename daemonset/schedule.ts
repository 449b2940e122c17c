/** When passes happen: several soon after a boot, then rarely, sooner when there is a reason. Time is a parameter. */
import { backoffMillis } from "../program/backoff.ts";
import type { Time } from "./host/time.ts";
import type { PassEnd } from "./passes.ts";

/**
 * From the first pass that could read a runtime. What leaks shows up to a minute after a boot, and again as kubelet
 * cleans up after it (facts/node-observed.md 1).
 */
export const BOOT_OFFSETS_MILLIS: readonly number[] = [0, 10_000, 30_000, 60_000, 90_000, 120_000, 180_000];

const BOOT_RETRY = { firstMillis: 1_000, maxMillis: 30_000 };
const STEADY_RETRY = { firstMillis: 5_000, maxMillis: 300_000 };
/** How often it is looked whether a runtime has come or gone; that reads a variable. */
const SLICE_MILLIS = 10_000;

export interface ScheduleOptions {
  /** False in a boot whose passes are done. */
  readonly isNewBoot: boolean;
  /** Never rejects. */
  readonly pass: (phase: "boot" | "steady") => Promise<PassEnd>;
  /** After the last pass of a boot. Never rejects. */
  readonly onBootDone: () => Promise<void>;
  /** The next step is due within that time; a watchdog may count on it. */
  readonly onStep: (withinMillis: number) => void;
  /** True once if runtimes have come or gone since the last pass. */
  readonly runtimesChanged: () => boolean;
  readonly steadyIntervalMillis: number;
  readonly steadyGraceMillis: number;
  readonly time: Time;
}

/** Works until `signal` aborts; never rejects. */
export async function runSchedule(options: ScheduleOptions, signal: AbortSignal): Promise<void> {
  if (options.isNewBoot) {
    await bootPasses(options, signal);
    if (signal.aborted) return;
    await options.onBootDone();
    await wait(intervalMillis(options), options, signal, options.runtimesChanged);
  }
  await steadyPasses(options, signal);
}

async function bootPasses(options: ScheduleOptions, signal: AbortSignal): Promise<void> {
  const { time } = options;
  let startMillis: number | undefined;
  let failures = 0;
  for (let index = 0; index < BOOT_OFFSETS_MILLIS.length && !signal.aborted;) {
    const beganMillis = time.monotonicMillis();
    const end = await options.pass("boot");
    // With nothing to look at later ones see nothing either.
    if (end.result === "off") return;
    if (!isRead(end)) {
      failures += 1;
      await wait(backoffMillis(failures, BOOT_RETRY, time.random()), options, signal);
      continue;
    }
    failures = 0;
    startMillis ??= beganMillis;
    const elapsedMillis = time.monotonicMillis() - startMillis;
    // Passes that a slow one has overtaken are left out, never the last.
    const next = BOOT_OFFSETS_MILLIS.findIndex((offset, at) => at > index && offset > elapsedMillis);
    index = next === -1 && index < BOOT_OFFSETS_MILLIS.length - 1 ? BOOT_OFFSETS_MILLIS.length - 1 : next;
    if (index === -1) return;
    await wait(Math.max(0, (BOOT_OFFSETS_MILLIS[index] ?? 0) - elapsedMillis), options, signal);
  }
}

async function steadyPasses(options: ScheduleOptions, signal: AbortSignal): Promise<void> {
  const { time, steadyIntervalMillis, steadyGraceMillis } = options;
  let failures = 0;
  let secondLooks = 0;
  while (!signal.aborted) {
    const end = await options.pass("steady");
    failures = isRead(end) || end.result === "off" ? 0 : failures + 1;
    secondLooks = end.unsettled ? secondLooks + 1 : 0;
    let pauseMillis = intervalMillis(options);
    if (failures > 0) pauseMillis = backoffMillis(failures, STEADY_RETRY, time.random());
    else if (secondLooks > 0) {
      // What was seen for the first time is soon seen again; what comes anew each time makes it rarer.
      const growing = steadyGraceMillis * 1.1 * 2 ** Math.min(secondLooks - 1, 20);
      pauseMillis = Math.min(growing, pauseMillis);
    }
    const isOff = end.result === "off";
    await wait(Math.min(pauseMillis, steadyIntervalMillis * 1.1), options, signal, () => {
      return !isOff && options.runtimesChanged();
    });
  }
}

function isRead(end: PassEnd): boolean {
  return end.result === "read" || end.result === "partly-read";
}

function intervalMillis({ time, steadyIntervalMillis }: ScheduleOptions): number {
  return steadyIntervalMillis * (0.9 + 0.2 * time.random());
}

async function wait(
  millis: number,
  options: ScheduleOptions,
  signal: AbortSignal,
  isReason: () => boolean = () => false,
): Promise<void> {
  const { time, onStep } = options;
  const endMillis = time.monotonicMillis() + millis;
  while (!signal.aborted) {
    const leftMillis = endMillis - time.monotonicMillis();
    if (leftMillis <= 0 || isReason()) return;
    const sliceMillis = Math.min(leftMillis, SLICE_MILLIS);
    onStep(sliceMillis);
    await time.sleep(sliceMillis, signal);
  }
}

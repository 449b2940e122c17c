/** How long to wait before trying again: doubling, capped, and jittered so that a thousand nodes do not act as one. */
export interface BackoffBounds {
  readonly firstMillis: number;
  readonly maxMillis: number;
}

/**
 * Wait after the `failures`th failure in a row (1 = the first), from half of the step to all of it.
 * @param random in [0, 1).
 */
export function backoffMillis(failures: number, bounds: BackoffBounds, random: number): number {
  // 2 ** 30 steps is past every cap; more would only lose precision.
  const step = bounds.firstMillis * 2 ** Math.min(Math.max(failures - 1, 0), 30);
  return Math.min(step, bounds.maxMillis) * (0.5 + 0.5 * random);
}

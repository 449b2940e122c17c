/**
 * This side's clock for programs that run on and on, in epoch milliseconds: the wall clock as it was at the program's
 * start, and even from there on. An offset is as old as the last answer. Were it added to the wall clock, a step of that
 * (a board without a battery gets its time after the boot) would move the server's time until the next answer, and locks
 * that hold would look expired. This one stands still while a machine sleeps, so it may be late until the next answer:
 * then a lock holds a little longer.
 */
export function steadyMillis(): number {
  return performance.timeOrigin + performance.now();
}

/** One answer of a server: its Date header and this side's clock around it, all epoch milliseconds. */
export interface ClockSighting {
  /** In whole seconds, as the header has them. */
  readonly serverMillis: number;
  readonly sentMillis: number;
  readonly receivedMillis: number;
}

/**
 * How far the server's clock is ahead of ours, in milliseconds, given what was believed before. The header was written
 * between sending and receiving, and within the second that it names; what agrees with that stays as it is. So two
 * programs whose clocks are right agree to the millisecond, where each one's guess could be half a second off.
 */
export function clockOffset(believedMillis: number, sighting: ClockSighting): number {
  const { serverMillis, sentMillis, receivedMillis } = sighting;
  const least = serverMillis - receivedMillis;
  const most = serverMillis + 999 - sentMillis;
  return Math.min(Math.max(believedMillis, least), most);
}

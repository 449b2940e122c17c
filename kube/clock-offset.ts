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

const NANOS_PER_MILLI = 1_000_000n;
const RFC3339_NANO = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;
/** Go's zero time: never happened. */
const GO_ZERO = "0001-01-01T00:00:00Z";

/** Nanoseconds since the epoch of Go's RFC3339Nano text, exactly; 0 for its zero time, undefined if it is no such text. */
export function nanosOf(text: string): bigint | undefined {
  if (text === GO_ZERO) return 0n;
  const [, seconds, fraction = "", zone] = RFC3339_NANO.exec(text) ?? [];
  if (seconds === undefined || zone === undefined) return undefined;
  const millis = Date.parse(`${seconds}${zone}`);
  if (Number.isNaN(millis)) return undefined;
  return BigInt(millis) * NANOS_PER_MILLI + BigInt(fraction.padEnd(9, "0"));
}

/** Times as kubectl shows them: how long ago, in the two largest units at most. */
import { parseTime } from "../../lock/record.ts";

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
] as const;

/** `47s`, `12m`, `3h20m`, `4d6h`; whole minutes above two of them, as nobody counts seconds then. */
export function shortDuration(millis: number): string {
  const parts: string[] = [];
  let rest = Math.max(0, millis);
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (parts.length > 0 || count > 0) parts.push(count === 0 ? "" : `${count}${unit}`);
    if (parts.length === 2 || (parts.length === 1 && unit === "m" && count > 2)) break;
  }
  return parts.join("") || "0s";
}

/** How long ago an RFC 3339 time was; `?` if it is none. */
export function age(time: string, nowMillis: number): string {
  const millis = parseTime(time);
  return millis === undefined ? "?" : shortDuration(nowMillis - millis);
}

/** `in 2h`, or `3m ago` once it is over. */
export function untilTime(time: string, nowMillis: number): string {
  const millis = parseTime(time);
  if (millis === undefined) return "?";
  return millis > nowMillis
    ? `in ${shortDuration(millis - nowMillis)}`
    : `${shortDuration(nowMillis - millis)} ago`;
}

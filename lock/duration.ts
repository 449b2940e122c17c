/** Durations as Kubernetes users write them: `90m`, `2h30m`, `45s`, `7d`. */

export type ParsedDuration =
  { readonly ok: true; readonly millis: number } | { readonly ok: false; readonly problem: string };

const UNIT_MILLIS: ReadonlyMap<string, number> = new Map([
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
  ["ms", 1],
]);

// Ten years: far beyond any reboot, far below where Date or a 32-bit timer would misbehave.
const LARGEST_MILLIS = 10 * 365 * 86_400_000;

/**
 * Parses a positive duration with a unit on every number; `d` counts as 24 h.
 * Unlike Go's time.ParseDuration it takes no sign: a lock or a wait of negative length has no meaning.
 */
export function parseDuration(text: string): ParsedDuration {
  const wanted = "expected a duration such as 90m, 2h30m or 7d";
  // Bounded before the expression runs: the text may be hostile, and no sensible duration is longer.
  if (text.length === 0 || text.length > 64) return { ok: false, problem: wanted };
  if (!/^(?:\d+(?:\.\d+)?(?:ms|[dhms]))+$/.test(text)) return { ok: false, problem: wanted };
  let millis = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[dhms])/g)) {
    millis += Number(amount) * (UNIT_MILLIS.get(unit ?? "") ?? Number.NaN);
  }
  if (!(millis <= LARGEST_MILLIS)) return { ok: false, problem: "longer than ten years" };
  if (millis < 1) return { ok: false, problem: "expected more than zero" };
  return { ok: true, millis: Math.round(millis) };
}

/** Writes milliseconds as `2h30m`, down to seconds (or `250ms` below one second). */
export function formatDuration(millis: number): string {
  if (millis < 1_000) return `${Math.max(0, Math.round(millis))}ms`;
  let seconds = Math.round(millis / 1_000);
  const parts: string[] = [];
  for (const [unit, size] of [
    ["h", 3_600],
    ["m", 60],
    ["s", 1],
  ] as const) {
    const count = Math.floor(seconds / size);
    if (count > 0) parts.push(`${count}${unit}`);
    seconds -= count * size;
  }
  return parts.join("");
}

/** The value below which the share `part` (0 to 1) of the samples lies, between two samples in proportion. */
export function quantile(samples: readonly number[], part: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (sorted.length - 1) * part;
  const below = sorted[Math.floor(at)];
  const above = sorted[Math.ceil(at)];
  if (below === undefined || above === undefined) throw new RangeError("quantile of no samples");
  return below + (above - below) * (at - Math.floor(at));
}

export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

/** To three significant digits or three decimals, whichever is finer: what a run can be trusted with. */
export function rounded(value: number): number {
  return Number(value.toFixed(Math.abs(value) >= 100 ? 1 : 3));
}

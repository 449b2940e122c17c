/**
 * Adds up the samples of one metric in Prometheus' text format whose labels have all the given values.
 * 0 when there is none: a counter that was never raised is not shown.
 */
export function sumMetric(text: string, name: string, labels: Readonly<Record<string, string>> = {}): number {
  let sum = 0;
  for (const line of text.split("\n")) {
    const sample = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (sample === null || sample[1] !== name) continue;
    const found = parseLabels(sample[2] ?? "");
    if (Object.entries(labels).every(([label, value]) => found.get(label) === value))
      sum += Number(sample[3]);
  }
  return sum;
}

function parseLabels(text: string): ReadonlyMap<string, string> {
  const labels = new Map<string, string>();
  for (const [, label, value] of text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
    if (label !== undefined && value !== undefined) labels.set(label, value.replaceAll(/\\(.)/g, "$1"));
  }
  return labels;
}

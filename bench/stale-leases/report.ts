/** From rounds to the table and the result of the stale-leases bench. Pure. */
import type { BenchReport } from "../bench.ts";
import { median, rounded } from "../figures/quantile.ts";
import { renderTable } from "../figures/table.ts";

export interface Round {
  readonly side: "pass" | "find";
  readonly millis: number;
  /** Files that were gone afterwards. */
  readonly files: number;
}

export interface AddLatency {
  readonly when: string;
  readonly millis: readonly number[];
}

export interface Memory {
  readonly files: number;
  readonly peakOverMebibytes: number;
  readonly afterOverMebibytes: number;
}

export interface Measured {
  readonly leases: number;
  readonly rounds: readonly Round[];
  readonly adds: readonly AddLatency[];
  /** How long the network's lock was held, each time. */
  readonly heldMillis: readonly number[];
  readonly memory: Memory;
}

export function reportOf({ leases, rounds, adds, heldMillis, memory }: Measured): BenchReport {
  const millisOf = (side: Round["side"]): readonly number[] =>
    rounds.filter((round) => round.side === side).map(({ millis }) => millis);
  const [pass, find] = [millisOf("pass"), millisOf("find")];
  const row = (name: string, all: readonly number[]): readonly string[] => [
    name,
    median(all).toFixed(0),
    Math.min(...all).toFixed(0),
    Math.max(...all).toFixed(0),
  ];
  const [ours, reference] = [median(pass), median(find)];
  const ratio = rounded(ours / reference);
  const table = renderTable(
    [`${leases} stale leases and their caches, ms`, "median", "least", "most"],
    [
      row("find ... -delete", find),
      row("nodelatch's pass", pass),
      ...adds.map(({ when, millis }) => row(`host-local ADD, ${when}`, millis)),
      row("network's lock held", heldMillis),
    ],
  );
  const memoryLine = `memory of passes over ${memory.files} files, half of them stale leases and half their caches: ${memory.peakOverMebibytes.toFixed(1)} MiB over the baseline at the peak, ${memory.afterOverMebibytes.toFixed(1)} after`;
  return {
    text: `${table}\nratio ${ratio}\n${memoryLine}`,
    result: {
      name: "stale-leases",
      ratio,
      ours: rounded(ours),
      reference: rounded(reference),
      unit: "ms",
      n: leases * pass.length,
      pairRatios: pass.map((millis, index) => rounded(millis / (find[index] ?? NaN))),
      addMillis: Object.fromEntries(adds.map(({ when, millis }) => [when, rounded(median(millis))])),
      lockHeldMillis: { median: rounded(median(heldMillis)), most: rounded(Math.max(...heldMillis)) },
      memoryFiles: memory.files,
      memoryPeakOverMebibytes: rounded(memory.peakOverMebibytes),
      memoryAfterOverMebibytes: rounded(memory.afterOverMebibytes),
    },
  };
}

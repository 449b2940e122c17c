/** From rounds to the table and the result of the stuck-containers bench. Pure. */
import type { BenchReport } from "../bench.ts";
import { median, rounded } from "../figures/quantile.ts";
import { renderTable } from "../figures/table.ts";

export interface Round {
  readonly side: "pass" | "bare";
  readonly millis: number;
}

/** @param count containers in each round. @param containerd its version. */
export function reportOf(rounds: readonly Round[], count: number, containerd: string): BenchReport {
  const millisOf = (side: Round["side"]): readonly number[] =>
    rounds.filter((round) => round.side === side).map(({ millis }) => millis);
  const [pass, bare] = [millisOf("pass"), millisOf("bare")];
  const [ours, reference] = [median(pass), median(bare)];
  const row = (name: string, all: readonly number[]): readonly string[] => [
    name,
    median(all).toFixed(0),
    (median(all) / count).toFixed(2),
    Math.min(...all).toFixed(0),
    Math.max(...all).toFixed(0),
  ];
  const table = renderTable(
    [`${count} containers, ms`, "median", "each", "least", "most"],
    [row("RemoveContainer, 4 at a time", bare), row("nodelatch's pass", pass)],
  );
  const ratio = rounded(ours / reference);
  return {
    text: `${table}\nratio ${ratio} on containerd ${containerd}`,
    result: {
      name: "stuck-containers",
      ratio,
      ours: rounded(ours),
      reference: rounded(reference),
      unit: "ms",
      n: count * pass.length,
      pairRatios: pass.map((millis, index) => rounded(millis / (bare[index] ?? NaN))),
      containerd,
    },
  };
}

/** From latencies to the table and the result. Pure. */
import type { BenchReport } from "../bench.ts";
import { addedMillis, addedRatio, latenciesOf, type RoundLatencies } from "../figures/added.ts";
import { median, quantile, rounded } from "../figures/quantile.ts";
import { renderTable } from "../figures/table.ts";
import { ANSWERERS } from "./answerers.ts";

export interface Measured {
  /** Creates, each answerer in each round. */
  readonly rounds: readonly RoundLatencies[];
  /** Reviews with 5,000 node names, sent straight to the webhook. */
  readonly large: { readonly latenciesMillis: readonly number[]; readonly bytes: number };
  /** The advice alone, from facts in memory. */
  readonly advice: { readonly selector: readonly number[]; readonly names: readonly number[] };
  /** MiB of the webhook after all of it. */
  readonly resident: number;
}

export function reportOf({ rounds, large, advice, resident }: Measured): BenchReport {
  const rows = ANSWERERS.map(({ name, title }) => {
    const samples = latenciesOf(rounds, name);
    const added = (part: number): string =>
      name === "nothing" ? "" : addedMillis(rounds, "nothing", name, part).toFixed(2);
    const [p50, p99] = [median(samples).toFixed(2), quantile(samples, 0.99).toFixed(2)];
    return [title, p50, added(0.5), p99, added(0.99), String(samples.length)];
  });
  const { ratio, oursMillis, referenceMillis, perRound } = addedRatio(rounds, {
    base: "nothing",
    ours: "nodelatch",
    reference: "policy",
  });
  const figures = (samples: readonly number[]) => ({
    p50: rounded(median(samples)),
    p99: rounded(quantile(samples, 0.99)),
    n: samples.length,
  });
  const [whole, selector, names] = [large.latenciesMillis, advice.selector, advice.names].map(figures);
  const line = (what: string, { p50, p99 }: { p50: number; p99: number } = { p50: NaN, p99: NaN }): string =>
    `${what}: p50 ${p50} ms, p99 ${p99} ms`;
  const text = [
    renderTable(["", "p50 ms", "added", "p99 ms", "added", "n"], rows),
    line(`5,000 node names in one spec (${large.bytes} bytes), whole review`, whole),
    line("advice for a selector, 5,000 nodes with 50,000 labels", selector),
    line("advice for 5,000 names", names),
    `webhook: ${resident.toFixed(0)} MiB resident`,
  ];
  return {
    text: text.join("\n"),
    result: {
      name: "prepull",
      ratio: rounded(ratio),
      ours: rounded(oursMillis),
      reference: rounded(referenceMillis),
      unit: "ms added p50",
      n: latenciesOf(rounds, "nodelatch").length,
      quartiles: perRound.map(rounded),
      rounds: rounds.length,
      large: whole,
      adviceSelector: selector,
      adviceNames: names,
      residentMiB: rounded(resident),
    },
  };
}

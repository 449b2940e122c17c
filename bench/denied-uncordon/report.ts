/** From turns to the table and the result. Pure. */
import type { BenchReport } from "../bench.ts";
import {
  addedMillis,
  addedRatio,
  latenciesOf,
  type AddedRatio,
  type RoundLatencies,
} from "../figures/added.ts";
import { median, quantile, rounded } from "../figures/quantile.ts";
import { renderTable } from "../figures/table.ts";
import { ANSWERERS, type AnswererName } from "./answerers.ts";
import type { Turn } from "./round.ts";

export interface Facts {
  readonly nodeBytes: number;
  /** MiB after all of it. */
  readonly resident: { readonly nodelatch: number; readonly go: number };
}

export const CONCURRENCIES = [1, 16] as const;
type Concurrency = (typeof CONCURRENCIES)[number];

const BASE: AnswererName = "nothing";

/** @param rounds each with one turn of every answerer at every concurrency. */
export function reportOf(rounds: readonly (readonly Turn[])[], facts: Facts): BenchReport {
  const at = (concurrency: Concurrency): readonly RoundLatencies[] =>
    rounds.map((turns) => latenciesByAnswerer(turns.filter((turn) => turn.concurrency === concurrency)));
  const single = at(1);
  const crowded = at(16);
  const both = { base: BASE, ours: "nodelatch", reference: "go" };
  const alone = { base: BASE, ours: "nodelatch-guard", reference: "go-guard" };
  const main = addedRatio(single, both);
  const ratios = {
    guardAlone: summary(addedRatio(single, alone)),
    at16: summary(addedRatio(crowded, both)),
    guardAloneAt16: summary(addedRatio(crowded, alone)),
  };
  const p99 = (latencies: readonly RoundLatencies[], name: AnswererName): number =>
    rounded(addedMillis(latencies, BASE, name, 0.99));
  const micros = (name: AnswererName): number => rounded(cpuMicros(rounds, name, 1) ?? Number.NaN);
  const head = ["", "c", "p50 ms", "added", "p99 ms", "added", "webhook CPU us", "n"];
  const rows = CONCURRENCIES.flatMap((concurrency) =>
    ANSWERERS.map(({ name, title }) => row(rounds, at(concurrency), name, title, concurrency)),
  );
  const { go, nodelatch } = facts.resident;
  const lines = [
    renderTable(head, rows),
    `added p50 of nodelatch / of Go: ${sentence(main)} (c=1); ${sentence(addedRatio(crowded, both))} (c=16)`,
    `guards alone: ${sentence(addedRatio(single, alone))} (c=1); ${sentence(addedRatio(crowded, alone))} (c=16)`,
    `node ${facts.nodeBytes} bytes; resident: nodelatch ${nodelatch.toFixed(0)} MiB, Go ${go.toFixed(0)} MiB`,
  ];
  return {
    text: lines.join("\n"),
    result: {
      name: "denied-uncordon",
      ...summary(main),
      unit: "ms added p50",
      n: latenciesOf(single, "nodelatch").length,
      concurrency: 1,
      rounds: rounds.length,
      ...ratios,
      addedP99: { ours: p99(single, "nodelatch"), reference: p99(single, "go") },
      addedP99At16: { ours: p99(crowded, "nodelatch"), reference: p99(crowded, "go") },
      policyAdded: rounded(addedMillis(single, BASE, "policy", 0.5)),
      baseP50: rounded(median(latenciesOf(single, BASE))),
      cpuMicros: { ours: micros("nodelatch"), reference: micros("go") },
      residentMiB: { ours: rounded(nodelatch), reference: rounded(go) },
      nodeBytes: facts.nodeBytes,
    },
  };
}

function latenciesByAnswerer(turns: readonly Turn[]): RoundLatencies {
  return new Map(turns.map(({ answerer, latenciesMillis }) => [answerer, latenciesMillis]));
}

function summary({ ratio, oursMillis, referenceMillis, perRound }: AddedRatio) {
  return {
    ratio: rounded(ratio),
    ours: rounded(oursMillis),
    reference: rounded(referenceMillis),
    quartiles: perRound.map(rounded),
  };
}

function sentence({ ratio, oursMillis, referenceMillis, perRound: [q1, middle, q3] }: AddedRatio): string {
  const quartiles = `per round ${q1.toFixed(2)} / ${middle.toFixed(2)} / ${q3.toFixed(2)}`;
  return `${oursMillis.toFixed(2)} / ${referenceMillis.toFixed(2)} ms = ${ratio.toFixed(2)}, ${quartiles}`;
}

/** Median over the rounds. */
function cpuMicros(
  rounds: readonly (readonly Turn[])[],
  name: AnswererName,
  concurrency: Concurrency,
): number | undefined {
  const values = rounds
    .flat()
    .filter((turn) => turn.answerer === name && turn.concurrency === concurrency)
    .flatMap(({ cpuMicros }) => cpuMicros ?? []);
  return values.length === 0 ? undefined : median(values);
}

function row(
  rounds: readonly (readonly Turn[])[],
  latencies: readonly RoundLatencies[],
  name: AnswererName,
  title: string,
  concurrency: Concurrency,
): readonly string[] {
  const samples = latenciesOf(latencies, name);
  const added = (part: number): string =>
    name === BASE ? "" : addedMillis(latencies, BASE, name, part).toFixed(2);
  return [
    title,
    String(concurrency),
    median(samples).toFixed(2),
    added(0.5),
    quantile(samples, 0.99).toFixed(2),
    added(0.99),
    cpuMicros(rounds, name, concurrency)?.toFixed(0) ?? "",
    String(samples.length),
  ];
}

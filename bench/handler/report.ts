/** From rounds to the table and the result of the handler bench. Pure. */
import type { BenchReport } from "../bench.ts";
import { median, quantile, rounded } from "../figures/quantile.ts";
import { renderTable } from "../figures/table.ts";
import type { Round } from "./round.ts";

interface Summary {
  readonly perSecond: number;
  readonly cpuMicros: number;
  readonly p50Millis: number;
  readonly p99Millis: number;
  readonly n: number;
}

const OURS = "nodelatch";
const REFERENCE = "bare";
/** The concurrency at which one core is full, so that requests per second say what a request costs. */
const FULL = 16;

/**
 * @param rounds of both sides, in the order they were measured.
 * @param resident MiB by side, after all of it.
 */
export function reportOf(rounds: readonly Round[], resident: ReadonlyMap<string, number>): BenchReport {
  const concurrencies = [...new Set(rounds.map(({ concurrency }) => concurrency))];
  const of = (side: string, concurrency: number): Summary =>
    summaryOf(rounds.filter((round) => round.side === side && round.concurrency === concurrency));
  const rows = concurrencies.flatMap((concurrency) => {
    const ours = of(OURS, concurrency);
    const reference = of(REFERENCE, concurrency);
    return [
      row(`${REFERENCE} node:https, c=${concurrency}`, reference, undefined, resident.get(REFERENCE)),
      row(`${OURS} guard, c=${concurrency}`, ours, ours.perSecond / reference.perSecond, resident.get(OURS)),
    ];
  });
  const head = ["", "requests/s", "ratio", "CPU us/request", "p50 ms", "p99 ms", "RSS MiB"];
  const ours = of(OURS, FULL);
  const reference = of(REFERENCE, FULL);
  const single = { ours: of(OURS, 1), reference: of(REFERENCE, 1) };
  return {
    text: renderTable(head, rows),
    result: {
      name: "handler",
      ratio: rounded(ours.perSecond / reference.perSecond),
      ours: rounded(ours.perSecond),
      reference: rounded(reference.perSecond),
      unit: "requests/s",
      n: ours.n,
      concurrency: FULL,
      rounds: rounds.length / concurrencies.length / 2,
      cpuRatio: rounded(reference.cpuMicros / ours.cpuMicros),
      ratioAt1: rounded(single.ours.perSecond / single.reference.perSecond),
      p50Millis: { ours: rounded(ours.p50Millis), reference: rounded(reference.p50Millis) },
      p99Millis: { ours: rounded(ours.p99Millis), reference: rounded(reference.p99Millis) },
      residentMiB: {
        ours: rounded(resident.get(OURS) ?? NaN),
        reference: rounded(resident.get(REFERENCE) ?? NaN),
      },
    },
  };
}

/** Of each figure the median over the rounds, except for latencies, whose samples are taken together. */
function summaryOf(rounds: readonly Round[]): Summary {
  const latencies = rounds.flatMap(({ latenciesMillis }) => latenciesMillis);
  return {
    perSecond: median(rounds.map(({ perSecond }) => perSecond)),
    cpuMicros: median(rounds.map(({ cpuMicros }) => cpuMicros)),
    p50Millis: median(latencies),
    p99Millis: quantile(latencies, 0.99),
    n: latencies.length,
  };
}

function row(
  name: string,
  summary: Summary,
  ratio: number | undefined,
  mebibytes: number | undefined,
): readonly string[] {
  return [
    name,
    summary.perSecond.toFixed(0),
    ratio?.toFixed(3) ?? "",
    summary.cpuMicros.toFixed(1),
    summary.p50Millis.toFixed(3),
    summary.p99Millis.toFixed(3),
    mebibytes?.toFixed(0) ?? "",
  ];
}

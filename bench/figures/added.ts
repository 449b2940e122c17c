/** What an answerer adds to a request that nobody is asked about. */
import { median, quantile } from "./quantile.ts";

/** Latencies of one round by answerer, in milliseconds. */
export type RoundLatencies = ReadonlyMap<string, readonly number[]>;

export interface AddedRatio {
  /** Added median latency of all rounds together. */
  readonly oursMillis: number;
  readonly referenceMillis: number;
  readonly ratio: number;
  /** Quartiles of the ratio that each round by itself would give. */
  readonly perRound: readonly [q1: number, median: number, q3: number];
}

export interface AddedNames {
  readonly base: string;
  readonly ours: string;
  readonly reference: string;
}

/** @throws RangeError if a name has no latencies, or the reference adds nothing, so that there is no ratio. */
export function addedRatio(rounds: readonly RoundLatencies[], names: AddedNames): AddedRatio {
  const oursMillis = addedMillis(rounds, names.base, names.ours, 0.5);
  const referenceMillis = addedMillis(rounds, names.base, names.reference, 0.5);
  if (referenceMillis <= 0) throw new RangeError(`${names.reference} adds nothing: there is no ratio to it`);
  const ratios = rounds.map((round) => {
    const baseMillis = median(latenciesOf([round], names.base));
    const ours = median(latenciesOf([round], names.ours)) - baseMillis;
    const reference = median(latenciesOf([round], names.reference)) - baseMillis;
    // A round too noisy to show the reference's cost counts against us.
    return reference > 0 ? ours / reference : Number.POSITIVE_INFINITY;
  });
  return {
    oursMillis,
    referenceMillis,
    ratio: oursMillis / referenceMillis,
    perRound: [quantile(ratios, 0.25), quantile(ratios, 0.5), quantile(ratios, 0.75)],
  };
}

/** The share `part` of latencies of `name` less that of `base`, all rounds together. */
export function addedMillis(
  rounds: readonly RoundLatencies[],
  base: string,
  name: string,
  part: number,
): number {
  return quantile(latenciesOf(rounds, name), part) - quantile(latenciesOf(rounds, base), part);
}

export function latenciesOf(rounds: readonly RoundLatencies[], name: string): readonly number[] {
  return rounds.flatMap((round) => round.get(name) ?? []);
}

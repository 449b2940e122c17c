/** From times to the table and the result. Pure. */
import type { BenchReport } from "../bench.ts";
import { median, quantile, rounded } from "../figures/quantile.ts";
import { renderTable } from "../figures/table.ts";
import { SIDES, type Side } from "./fleet.ts";
import { PHASES, type Phase } from "./writes.ts";

/** One phase of one side: every node of it written once. */
export interface Pass {
  readonly side: Side;
  readonly phase: Phase;
  readonly elapsedMillis: number;
  readonly latenciesMillis: readonly number[];
  /** CPU time of the programs, per write. */
  readonly cpuMillis: { readonly webhook: number; readonly apiServer: number };
  /** Nodes that were not as they should be afterwards. */
  readonly wrong: number;
}

export type Round = readonly Pass[];

export function reportOf(rounds: readonly Round[], nodes: number, residentMiB: number): BenchReport {
  const passes = rounds.flat();
  const of = (side: Side, phase: Phase) =>
    passes.filter((pass) => pass.side === side && pass.phase === phase);
  const rows = SIDES.flatMap((side) =>
    PHASES.map((phase) => {
      const these = of(side, phase);
      const elapsed = median(these.map(({ elapsedMillis }) => elapsedMillis));
      const latencies = these.flatMap(({ latenciesMillis }) => latenciesMillis);
      const cpu = (program: "webhook" | "apiServer"): string =>
        median(these.map(({ cpuMillis }) => cpuMillis[program])).toFixed(2);
      return [
        `${side}, ${phase}`,
        elapsed.toFixed(0),
        ((nodes * 1_000) / elapsed).toFixed(0),
        quantile(latencies, 0.5).toFixed(1),
        quantile(latencies, 0.99).toFixed(1),
        cpu("apiServer"),
        cpu("webhook"),
      ];
    }),
  );
  const [ours, reference] = [stormMillis(rounds, "nodelatch"), stormMillis(rounds, "nothing")];
  const ratios = ours.map((millis, round) => millis / (reference[round] ?? Number.NaN));
  const phaseRatio = (phase: Phase): number => {
    const elapsed = (side: Side) => median(of(side, phase).map(({ elapsedMillis }) => elapsedMillis));
    return rounded(elapsed("nodelatch") / elapsed("nothing"));
  };
  const wrong = (phase: Phase): number => of("nodelatch", phase).reduce((sum, pass) => sum + pass.wrong, 0);
  const head = ["", "all nodes, ms", "per s", "p50 ms", "p99 ms", "API server, CPU ms", "webhook, CPU ms"];
  return {
    text: [
      renderTable(head, rows),
      `locks lost: ${wrong("lock")}, left behind: ${wrong("release")}; webhook ${residentMiB.toFixed(0)} MiB`,
    ].join("\n"),
    result: {
      name: "reboot-storm",
      ratio: rounded(median(ours) / median(reference)),
      ours: rounded(median(ours)),
      reference: rounded(median(reference)),
      unit: `ms for ${nodes} nodes, locked and released`,
      n: nodes * 2 * rounds.length,
      quartiles: [0.25, 0.5, 0.75].map((part) => rounded(quantile(ratios, part))),
      lock: phaseRatio("lock"),
      release: phaseRatio("release"),
      lost: wrong("lock"),
      leftBehind: wrong("release"),
      rounds: rounds.length,
      residentMiB: rounded(residentMiB),
    },
  };
}

/** Both phases together, in each round. */
function stormMillis(rounds: readonly Round[], side: Side): readonly number[] {
  return rounds.map((round) =>
    round.reduce((sum, pass) => (pass.side === side ? sum + pass.elapsedMillis : sum), 0),
  );
}

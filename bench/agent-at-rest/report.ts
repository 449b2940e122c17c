/** From samples to the tables and the result. Pure. */
import type { BenchReport } from "../bench.ts";
import { median, rounded } from "../figures/quantile.ts";
import { renderTable } from "../figures/table.ts";
import type { LibraryShare } from "./libraries.ts";
import type { RestSamples } from "./rest.ts";

export interface Measured {
  readonly agent: RestSamples;
  readonly reference: RestSamples;
  readonly libraries: readonly LibraryShare[];
  readonly pods: number;
  readonly quietMillis: number;
}

interface Summary {
  readonly resident: number;
  readonly residentMost: number;
  readonly anonymous: number;
  readonly anonymousMost: number;
  readonly cpuPercent: number;
}

export function reportOf({ agent, reference, libraries, pods, quietMillis }: Measured): BenchReport {
  const [ours, theirs] = [summaryOf(agent), summaryOf(reference)];
  const row = (name: string, all: Summary): readonly string[] => [
    name,
    ...[all.resident, all.residentMost, all.anonymous, all.anonymousMost].map((mib) => mib.toFixed(1)),
    all.cpuPercent.toFixed(3),
  ];
  const processes = renderTable(
    ["MiB", "resident", "most", "anonymous", "most", "CPU %"],
    [row("agent", ours), row("node, empty", theirs)],
  );
  const shares = renderTable(
    ["library alone, MiB over node", "resident", "anonymous", "in the agent"],
    libraries.map(({ name, isInAgent, memory }) => [
      name,
      memory.resident.toFixed(1),
      memory.anonymous.toFixed(1),
      isInAgent ? "yes" : "no",
    ]),
  );
  return {
    text: `${processes}\n\n${shares}`,
    result: {
      name: "agent-at-rest",
      ratio: rounded(ours.resident / theirs.resident),
      ours: rounded(ours.resident),
      reference: rounded(theirs.resident),
      unit: "MiB",
      n: agent.memories.length,
      residentMost: rounded(ours.residentMost),
      anonymous: rounded(ours.anonymous),
      anonymousMost: rounded(ours.anonymousMost),
      anonymousReference: rounded(theirs.anonymous),
      cpuPercent: rounded(ours.cpuPercent),
      pods,
      quietSeconds: quietMillis / 1_000,
      libraries: Object.fromEntries(libraries.map(({ name, memory }) => [name, rounded(memory.resident)])),
    },
  };
}

function summaryOf({ memories, cpuPercent }: RestSamples): Summary {
  const resident = memories.map((memory) => memory.resident);
  const anonymous = memories.map((memory) => memory.anonymous);
  return {
    resident: median(resident),
    residentMost: Math.max(...resident),
    anonymous: median(anonymous),
    anonymousMost: Math.max(...anonymous),
    cpuPercent,
  };
}

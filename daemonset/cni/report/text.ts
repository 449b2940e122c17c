/** A pass over CNI state in words and a table, for a person at a terminal. Pure. */
import { findingsOf } from "./finding.ts";
import { findingText } from "../../containers/finding.ts";
import type { CniReport, NetworkReport, PoolReport } from "./report.ts";

const COLUMNS = ["", "leases", "live", "ended", "stale", "waiting", "foreign", "other"] as const;

/** Lines without an end of line. */
export function cniReportText(report: CniReport): readonly string[] {
  const what = report.acts ? "pass" : "scan";
  const lines = [`CNI state, ${what} at ${report.startedAt}, ${Math.round(report.durationMillis)} ms`];
  if (report.obstacle !== undefined) lines.push(`  nothing is removed: ${report.obstacle}`);
  if (!report.isWhole) lines.push("  not everything was read");
  if (report.networks.length === 0) lines.push("  no network directory of Kubernetes' was found");
  for (const network of report.networks) lines.push(...networkText(network));
  if (report.foreign.length > 0) lines.push(`  not Kubernetes', not looked at: ${report.foreign.join(", ")}`);
  const { files, kept, outcomes, removals } = report.caches;
  lines.push(
    `  caches and scratch files: ${files}; kept: ${countsText(kept)}; to go: ${countsText(outcomes)}`,
  );
  for (const { path, outcome, reason } of removals) lines.push(`    - ${path}: ${outcome}: ${reason}`);
  if (report.repairHeld !== undefined) lines.push(`  no sandbox is stopped: ${report.repairHeld}`);
  for (const { id, pod, outcome, detail } of report.repairs) {
    lines.push(`  ended sandbox ${id.slice(0, 12)} of ${pod} holds a lease: ${outcome}: ${detail}`);
  }
  if (report.deadNamespaces > 0) {
    lines.push(`  ${report.deadNamespaces} files in /run/netns are no namespaces any more: they do no harm`);
  }
  if (report.quarantine !== undefined) {
    const { files: held, bytes, problem } = report.quarantine;
    lines.push(`  quarantine: ${problem ?? `${held} files, ${Math.ceil(bytes / 1_024)} KiB`}`);
  }
  // With whatever patience: who asks wants to know now.
  for (const finding of findingsOf(report, Infinity)) lines.push(`  ! ${findingText(finding)}`);
  return lines;
}

function networkText(network: NetworkReport): readonly string[] {
  const { name, path, because, pools, before, after, predating, forecast, kept, removals, outcomes } =
    network;
  const rows = [COLUMNS, rowOf("before", before), rowOf("after", after)];
  const lines = [
    `  network ${name}, ${path} (${because})`,
    ...rows.map(
      (cells) => `    ${cells.map((cell, at) => (at === 0 ? cell.padEnd(8) : cell.padStart(8))).join("")}`,
    ),
    ...pools.map((pool) => `    ${poolText(pool)}`),
    `    ${predatingText(predating)}`,
  ];
  if (forecast !== undefined) {
    const { boots, stalePerBoot, bootsLeft } = forecast;
    lines.push(
      `    the last ${boots} boots left ${stalePerBoot.toFixed(1)} stale leases each; left alone, the pool would last ${bootsLeft} more`,
    );
  }
  lines.push(`    kept: ${countsText(kept)}; to go: ${countsText(outcomes)}`);
  for (const { path: lease, id, outcome, reason } of removals) {
    const of = id === undefined ? "" : ` of sandbox ${id.slice(0, 12)}`;
    lines.push(`    - ${lease}${of}: ${outcome}: ${reason}`);
  }
  const decided = Object.values(outcomes).reduce((sum, count) => sum + count, 0);
  if (decided > removals.length) lines.push(`    - and ${decided - removals.length} more`);
  return lines;
}

function rowOf(label: string, tally: NetworkReport["before"]): readonly string[] {
  const { leases, live, ended, stale, waiting, foreign, other } = tally;
  return [label, ...[leases, live, ended, stale, waiting, foreign, other].map(String)];
}

function poolText({ family, size, used, free }: PoolReport): string {
  if (size === undefined || free === undefined)
    return `${family}: ${used} taken; the size of the pool is not known`;
  return `${family}: ${used} of ${size} taken, ${free} free`;
}

/** The proof that a reboot left nothing behind. */
export function predatingText(predating: number | undefined): string {
  if (predating === undefined)
    return "whether leases predate this boot is not known: nothing is remembered of an earlier one";
  return predating === 1 ? "1 lease predates this boot" : `${predating} leases predate this boot`;
}

function countsText(counts: Readonly<Partial<Record<string, number>>>): string {
  const parts = Object.entries(counts).map(([what, count]) => `${count} ${what}`);
  return parts.length === 0 ? "none" : parts.join(", ");
}

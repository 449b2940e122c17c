/** A pass in words, for a person at a terminal or reading `/readyz?verbose`. */
import { MOST_REMOVALS, type PassReport, type RuntimeReport } from "./report.ts";

/** Lines without an end of line. */
export function reportText(report: PassReport): readonly string[] {
  if (report.mode === "off") return [`containers, ${report.phase} pass: switched off`];
  const head = `containers, ${report.phase} pass at ${report.startedAt}, ${Math.round(report.durationMillis)} ms`;
  const mode = report.mode === "report" ? " (report only, nothing is removed)" : "";
  if (report.runtimes.length === 0) return [`${head}${mode}: no container runtime was found`];
  return [head + mode, ...report.runtimes.flatMap(runtimeText)];
}

function runtimeText(runtime: RuntimeReport): readonly string[] {
  if (runtime.kind === "unread") return [`  ${runtime.label}: could not be read: ${runtime.message}`];
  const { label, containers, sandboxes } = runtime;
  const lines = [
    `  ${label}: ${containers} containers in ${sandboxes} sandboxes`,
    `    decided to keep: ${countsText(runtime.kept)}`,
    `    decided to remove: ${countsText(runtime.outcomes)}`,
  ];
  for (const { container, result, reason } of runtime.removals) {
    lines.push(`    - ${container}: ${result}: ${reason}`);
  }
  const decided = Object.values(runtime.outcomes).reduce((sum, count) => sum + count, 0);
  if (decided > MOST_REMOVALS)
    lines.push(`    - and ${decided - MOST_REMOVALS} more, all of them in the log`);
  for (const { container, reason } of runtime.keptExamples) {
    lines.push(`    - ${container}: kept: ${reason}`);
  }
  return lines;
}

function countsText(counts: Readonly<Partial<Record<string, number>>>): string {
  const parts = Object.entries(counts).map(([what, count]) => `${count} ${what}`);
  return parts.length === 0 ? "none" : parts.join(", ");
}

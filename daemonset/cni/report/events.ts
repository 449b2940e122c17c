/** What of a pass is worth an Event on the node: a few sentences, never one for each lease. Pure. */
import type { AgentEvent } from "../../containers/announce.ts";
import { findingText } from "../../containers/finding.ts";
import type { CniFinding } from "./finding.ts";
import type { CniReport, RemovalLine } from "./report.ts";

const MOST_NAMED = 5;
const MOST_FINDINGS = 5;

export function cniEventsOf(report: CniReport, begun: readonly CniFinding[]): readonly AgentEvent[] {
  const events: AgentEvent[] = begun.slice(0, MOST_FINDINGS).map((finding) => ({
    type: "Warning",
    reason: "CniDiagnosis",
    message: findingText(finding),
  }));
  for (const { name, outcomes, removals } of report.networks) {
    const { moved = 0, failed = 0, skipped = 0 } = outcomes;
    if (moved > 0) {
      events.push({
        type: "Normal",
        reason: "StaleLeasesRemoved",
        message: `released ${addresses(moved)} of network ${name} that no pod holds any more: ${named(removals, moved)}`,
      });
    }
    if (failed + skipped > 0) {
      const why = removals.find(({ outcome }) => outcome === "failed" || outcome === "skipped")?.reason;
      events.push({
        type: "Warning",
        reason: "StaleLeasesLeft",
        message: `${addresses(failed + skipped)} of network ${name} are stale but could not be released${why === undefined ? "" : `: ${why}`}`,
      });
    }
  }
  for (const { pod, outcome, detail } of report.repairs) {
    if (outcome !== "stopped") continue;
    const message = `an ended sandbox of ${pod} still held an address: stopped it again, ${detail}`;
    events.push({ type: "Normal", reason: "SandboxStoppedAgain", message });
  }
  return events;
}

function addresses(count: number): string {
  return count === 1 ? "1 address" : `${count} addresses`;
}

function named(removals: readonly RemovalLine[], count: number): string {
  const paths = removals
    .filter(({ outcome }) => outcome === "moved")
    .map(({ path }) => path.split("/").at(-1) ?? "");
  const first = paths.slice(0, MOST_NAMED).join(", ");
  return count > MOST_NAMED ? `${first} and ${count - MOST_NAMED} more` : first;
}

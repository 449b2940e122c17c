/**
 * Kubernetes Events about a pass and its findings: few, late and never in the way. They are no part of the pass, so
 * that a shutdown can let go of its lock first.
 */
import { findingText, type Finding } from "./finding.ts";
import type { PassReport } from "./report.ts";

export interface AgentEvent {
  readonly type: "Normal" | "Warning";
  readonly reason:
    | "StuckContainerRemoved"
    | "StuckContainerLeft"
    | "ContainersDiagnosis"
    // Of CNI state (cni/report/events.ts).
    | "StaleLeasesRemoved"
    | "StaleLeasesLeft"
    | "SandboxStoppedAgain"
    | "CniDiagnosis"
    // Of the gate (gate/gate.ts).
    | "RebootRefused"
    // Of the reboot lock (release/release.ts).
    | "LockReleased";
  readonly message: string;
}

export interface AnnouncePorts {
  /** Posts one Event; rejects if it can't. */
  readonly post: (event: AgentEvent, signal: AbortSignal) => Promise<unknown>;
  readonly onResult: (result: "posted" | "failed" | "dropped", cause?: unknown) => void;
}

/** Events of one pass; what is more is one Event with a number. */
export const MOST_EVENTS = 10;

/** What a pass is worth telling; findings first, as there are few of them. */
export function eventsOf(report: PassReport, begun: readonly Finding[]): readonly AgentEvent[] {
  const events: AgentEvent[] = begun.map((finding) => ({
    type: "Warning",
    reason: "ContainersDiagnosis",
    message: findingText(finding),
  }));
  let removed = 0;
  for (const runtime of report.runtimes) {
    if (runtime.kind === "unread") continue;
    removed += runtime.outcomes.removed ?? 0;
    for (const { outcome, container, reason, result } of runtime.removals) {
      if (outcome === "removed") {
        events.push({
          type: "Normal",
          reason: "StuckContainerRemoved",
          message: `removed ${container}: ${reason}`,
        });
      } else if (outcome === "failed" || outcome === "busy") {
        events.push({
          type: "Warning",
          reason: "StuckContainerLeft",
          message: `${container} is stuck (${reason}), but was not removed: ${result}`,
        });
      }
    }
  }
  if (events.length <= MOST_EVENTS) return events;
  const summary: AgentEvent = {
    type: "Normal",
    reason: "StuckContainerRemoved",
    message: `removed ${removed} stuck containers in all; the agent's log names each`,
  };
  return [...events.slice(0, MOST_EVENTS - 1), summary];
}

/** Never rejects. After the first failure the rest is dropped: an API server that is away is away for all of them. */
export async function announce(
  events: readonly AgentEvent[],
  ports: AnnouncePorts,
  signal: AbortSignal,
): Promise<void> {
  let away = false;
  for (const event of events) {
    if (away || signal.aborted) {
      ports.onResult("dropped");
      continue;
    }
    try {
      await ports.post(event, signal);
      ports.onResult("posted");
    } catch (cause) {
      away = true;
      ports.onResult("failed", cause);
    }
  }
}

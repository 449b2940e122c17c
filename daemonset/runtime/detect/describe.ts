/** The state of each endpoint in words, for /readyz?verbose, logs and the report. Pure. */
import type { Candidate } from "./candidates.ts";
import type { ProbeResult } from "./probe.ts";

export interface EndpointState {
  readonly candidate: Candidate;
  readonly result: ProbeResult;
  /** What is not as it should be although it answers. */
  readonly caveat: string | undefined;
}

export interface EndpointReport {
  /** As the host calls it. */
  readonly hostPath: string;
  readonly kind: ProbeResult["kind"];
  /** False if somebody has to do something, or wait: a runtime that should answer does not. */
  readonly ok: boolean;
  readonly line: string;
}

/** One report for each endpoint that matters: of those tried on suspicion only what is there, unless nothing is. */
export function reportEndpoints(states: readonly EndpointState[]): readonly EndpointReport[] {
  const anyAnswers = states.some(({ result }) => result.kind === "answers");
  return states
    .filter(
      ({ candidate, result }) => !anyAnswers || candidate.source !== "known" || result.kind !== "absent",
    )
    .map((state) => ({
      hostPath: state.candidate.hostPath,
      kind: state.result.kind,
      ok: state.result.kind === "answers" || (anyAnswers && !isMissed(state)),
      line: lineOf(state),
    }));
}

/** True if passes are worse off without this endpoint, so that it is to be tried again soon. */
export function isMissed({ candidate, result }: EndpointState): boolean {
  if (result.kind === "answers") return false;
  // A known socket without CRI, or of another user's, is most likely not kubelet's; one that is slow may be starting.
  return candidate.source !== "known" || result.kind === "slow";
}

function lineOf({ candidate, result, caveat }: EndpointState): string {
  if (result.kind === "answers") {
    const also = caveat === undefined ? "" : `; ${caveat}`;
    return `${result.name} ${result.version} at ${candidate.hostPath} answers (${usedBy(candidate)})${also}`;
  }
  const named = candidate.source === "known" ? "" : ` (${usedBy(candidate)})`;
  return `${result.message}${named}`;
}

function usedBy(candidate: Candidate): string {
  switch (candidate.kubelets) {
    case "configured":
      return `kubelet's by ${candidate.file ?? "its configuration"}`;
    case "other":
      return "kubelet's configuration names another one";
    case "unknown":
      return candidate.source === "setting" ? "by setting" : "not known to be kubelet's";
  }
}

/** One line for each removal that was decided. */
import type { Outcome } from "./outcome.ts";
import type { PassLog } from "./pass-request.ts";
import { removalLine } from "./report.ts";
import type { Phase } from "./settings.ts";

export function logOutcome(outcome: Outcome, phase: Phase, runtime: string, log: PassLog): void {
  const { id, outcome: kind, rule, reason, result } = removalLine(outcome);
  const { pod, name, attempt } = outcome.removal.container;
  const fields = {
    phase,
    runtime,
    outcome: kind,
    rule,
    reason,
    result,
    containerID: id,
    namespace: pod?.namespace,
    pod: pod?.name,
    podUID: pod?.uid,
    container: name,
    attempt,
  };
  if (kind === "failed" || kind === "left" || kind === "busy") log.warn(fields, "stuck container");
  else log.info(fields, "stuck container");
}

/** When to clean up before a shutdown, and for how long. Pure. */

/** logind's own default, InhibitDelayMaxSec=5: assumed where it can't be asked. */
export const DEFAULT_DELAY_MAX_MILLIS = 5_000;
/** Kept back from logind's bound: for letting go, and for whoever else still works within it (kubelet). */
export const DELAY_RESERVE_MILLIS = 1_000;

/**
 * How long a pass before a shutdown may take, from the moment it was announced.
 * @param delayMaxMillis logind's InhibitDelayMaxUSec; undefined when it could not be read.
 * @param settingMillis the agent's own bound.
 */
export function shutdownBudgetMillis(delayMaxMillis: number | undefined, settingMillis: number): number {
  const bound = (delayMaxMillis ?? DEFAULT_DELAY_MAX_MILLIS) - DELAY_RESERVE_MILLIS;
  return Math.max(0, Math.min(bound, settingMillis));
}

/** What is known when a SIGTERM comes. Undefined: it could not be asked. */
export interface TermFacts {
  /** logind's PreparingForShutdown. */
  readonly preparing: boolean | undefined;
  /** Whether logind announced a shutdown to this process and did not take that back. */
  readonly announced: boolean;
  /** systemd's SystemState. */
  readonly systemState: string | undefined;
}

export type TermDecision =
  | { readonly kind: "clean"; readonly reason: string }
  /** A rollout, a drain, an eviction, a failed probe: containers of this node go on living. */
  | { readonly kind: "leave"; readonly reason: string };

/**
 * A SIGTERM alone means nothing: rollouts and kubelet send it too. Only who knows of a shutdown is believed; when
 * nobody can be asked nothing is cleaned, as the pass at the next boot does it all the same.
 */
export function decideOnTerm({ preparing, announced, systemState }: TermFacts): TermDecision {
  if (systemState === "stopping") return { kind: "clean", reason: "systemd is stopping the node" };
  if (preparing === true) return { kind: "clean", reason: "logind is preparing a shutdown" };
  // An announcement counts where logind can't be asked any more: the bus goes down with the node.
  if (preparing === undefined && announced) {
    return { kind: "clean", reason: "logind announced a shutdown and can't be asked any more" };
  }
  if (preparing === undefined) {
    return { kind: "leave", reason: "logind can't be asked; the pass after the next boot cleans up" };
  }
  return { kind: "leave", reason: "the node is not shutting down" };
}

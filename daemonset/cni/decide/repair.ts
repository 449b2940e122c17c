/**
 * Which sandboxes kubelet has done with although their lease is still there: their DEL failed in words that the runtime
 * takes for success ("not found"). To stop such a one again runs DEL again (facts/node-observed.md 1). Pure.
 */
import type { SandboxSummary } from "../../runtime/runtime.ts";
import type { Proven } from "./ownership.ts";

/** A runtime that skips DEL says each time that all is well. */
export const MOST_STOPS = 3;

export interface RepairFacts {
  /** Ids of sandboxes that have a lease. */
  readonly leaseHolders: ReadonlySet<string>;
  /** How often each has been stopped by this program. */
  readonly stops: ReadonlyMap<string, number>;
}

/**
 * Not ready, with a lease, and superseded: the same pod has a ready sandbox of a higher attempt. kubelet makes that one
 * only after it has stopped the old one. Without a successor it may just not have come to it, as while the API server is
 * away.
 */
export function supersededHolders(liveness: Proven, facts: RepairFacts): readonly SandboxSummary[] {
  const highest = new Map<string, number>();
  for (const { state, pod, attempt } of liveness.sandboxes.values()) {
    if (state !== "ready" || pod === undefined || pod.uid === "") continue;
    highest.set(pod.uid, Math.max(attempt, highest.get(pod.uid) ?? attempt));
  }
  return [...liveness.sandboxes.values()].filter(({ id, state, pod, attempt }) => {
    if (state !== "not-ready" || pod === undefined) return false;
    const successor = highest.get(pod.uid);
    if (successor === undefined || successor <= attempt) return false;
    return facts.leaseHolders.has(id) && (facts.stops.get(id) ?? 0) < MOST_STOPS;
  });
}

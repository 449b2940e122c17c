/** One look at one runtime: its containers, and of its sandboxes only what a decision needs. */
import type { ContainerRuntime, ContainerSummary, SandboxState, SandboxSummary } from "../runtime/runtime.ts";
import { within } from "./deadline.ts";

export interface Clock {
  /** Never steps; only differences mean something. */
  readonly monotonicMillis: () => number;
  /** Nanoseconds since the epoch by the node's clock, which may be wrong. */
  readonly wallNanos: () => bigint;
}

/** `missing`: the container names a sandbox that the runtime does not list. */
export type SandboxCondition = SandboxState | "missing";

export interface Observation {
  /** By the monotonic clock, before the first call and after the container list had come. */
  readonly askedAtMillis: number;
  readonly listedAtMillis: number;
  readonly wallNanos: bigint;
  /** The runtime's own list, not a copy. */
  readonly containers: readonly ContainerSummary[];
  readonly sandboxes: ReadonlyMap<string, { readonly state: SandboxState; readonly podUID: string }>;
}

/**
 * Containers are listed first and sandboxes after them. In the other order a sandbox made between the two calls would
 * look missing, and the container just created in it stuck. This way a listed container's sandbox can only be absent
 * if it really went away.
 *
 * @throws RuntimeError if one of the lists can't be had; half an observation is none.
 */
export async function observe(
  runtime: ContainerRuntime,
  clock: Clock,
  callTimeoutMillis: number,
  signal: AbortSignal,
): Promise<Observation> {
  const askedAtMillis = clock.monotonicMillis();
  const containers = await within(callTimeoutMillis, signal, `${runtime.label}: list containers`, (until) =>
    runtime.listContainers(until),
  );
  const listedAtMillis = clock.monotonicMillis();
  const sandboxes = await within(callTimeoutMillis, signal, `${runtime.label}: list sandboxes`, (until) =>
    runtime.listSandboxes(until),
  );
  return observationOf(
    { askedAtMillis, listedAtMillis, wallNanos: clock.wallNanos() },
    containers,
    sandboxes,
  );
}

export function observationOf(
  times: Pick<Observation, "askedAtMillis" | "listedAtMillis" | "wallNanos">,
  containers: readonly ContainerSummary[],
  sandboxes: readonly SandboxSummary[],
): Observation {
  const states = new Map(
    sandboxes.map(({ id, state, pod }) => [id, { state, podUID: pod?.uid ?? "" }] as const),
  );
  return { ...times, containers, sandboxes: states };
}

export function sandboxConditionOf(container: ContainerSummary, observation: Observation): SandboxCondition {
  return observation.sandboxes.get(container.sandboxID)?.state ?? "missing";
}

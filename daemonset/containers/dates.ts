/**
 * Dates that a list has lost. containerd lists a container whose status file is empty with date 0, but its status call
 * still knows the date (facts/containers.md 1.3); kubelet asks that one, so the order must be judged by it.
 */
import type { ContainerRuntime, ContainerSummary } from "../runtime/runtime.ts";
import { within } from "./deadline.ts";
import type { Observation } from "./observation.ts";
import { inParallel } from "./parallel.ts";
import { knownDate, Sequences, type Dates } from "./sequence.ts";

/** After a power cut a few dozen status files may be empty; beyond this the rest waits for the next pass. */
const MOST_ASKED = 64;
const WORKERS = 4;

/** Containers whose date is lost and matters, as there are other attempts to compare it with. */
export function datesToAsk(observation: Observation): readonly ContainerSummary[] {
  const lost = observation.containers.filter(({ createdAtNanos }) => knownDate(createdAtNanos) === undefined);
  if (lost.length === 0) return [];
  const sequences = new Sequences(observation);
  return lost.filter((container) => sequences.hasSiblings(container)).slice(0, MOST_ASKED);
}

/** Never rejects: a date that can't be had stays unknown, and its container is kept. */
export async function askDates(
  runtime: ContainerRuntime,
  containers: readonly ContainerSummary[],
  callTimeoutMillis: number,
  signal: AbortSignal,
): Promise<Dates> {
  const dates = new Map<string, bigint>();
  await inParallel(containers, WORKERS, async ({ id }) => {
    try {
      const fresh = await within(callTimeoutMillis, signal, `${runtime.label}: status of ${id}`, (until) =>
        runtime.containerState(id, until),
      );
      if (fresh !== undefined) dates.set(id, fresh.createdAtNanos);
    } catch {
      // Said as "date unknown" by the decision.
    }
  });
  return dates;
}

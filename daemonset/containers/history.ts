/**
 * Since when a container has been seen in the same state, on a clock that never steps. Only those containers are
 * remembered whose fate depends on it, so that a node full of running and exited ones costs nothing.
 */
import type { ContainerSummary } from "../runtime/runtime.ts";
import { sandboxConditionOf, type Observation } from "./observation.ts";

export interface Sightings {
  /** Observations in a row that showed the container in its present state; 0 if it is not one to be remembered. */
  readonly count: number;
  /** That lay between the first of them and the last, at least. */
  readonly spanMillis: number;
}

interface Entry {
  /** State, sandbox, attempt and date: whatever changes makes it another sighting. */
  readonly look: string;
  /** When the first list had come, and when the last was asked for: a slow list must not count as waiting. */
  readonly firstMillis: number;
  readonly lastMillis: number;
  readonly count: number;
}

const NEVER: Sightings = { count: 0, spanMillis: 0 };

export class History {
  /** By runtime, then by container: an ID means something only within its runtime. */
  readonly #runtimes = new Map<string, ReadonlyMap<string, Entry>>();

  /** Takes in one observation; containers that it does not show are forgotten. */
  note(runtime: string, observation: Observation): void {
    const before = this.#runtimes.get(runtime);
    const { askedAtMillis, listedAtMillis } = observation;
    const entries = new Map<string, Entry>();
    for (const container of observation.containers) {
      if (container.state !== "created" && container.state !== "unknown") continue;
      const look = lookOf(container, observation);
      const entry = before?.get(container.id);
      entries.set(
        container.id,
        entry?.look === look
          ? { look, firstMillis: entry.firstMillis, lastMillis: askedAtMillis, count: entry.count + 1 }
          : { look, firstMillis: listedAtMillis, lastMillis: listedAtMillis, count: 1 },
      );
    }
    this.#runtimes.set(runtime, entries);
  }

  /** A runtime that could not be read keeps its history: not having looked changes nothing that was seen. */
  sightings(runtime: string, containerID: string): Sightings {
    const entry = this.#runtimes.get(runtime)?.get(containerID);
    return entry === undefined
      ? NEVER
      : { count: entry.count, spanMillis: entry.lastMillis - entry.firstMillis };
  }

  /** Forgets every runtime but these, so that one that went for good leaves nothing behind. */
  keepRuntimes(keys: readonly string[]): void {
    for (const key of this.#runtimes.keys()) {
      if (!keys.includes(key)) this.#runtimes.delete(key);
    }
  }

  /** Entries held, over all runtimes. */
  get size(): number {
    return [...this.#runtimes.values()].reduce((sum, entries) => sum + entries.size, 0);
  }
}

function lookOf(container: ContainerSummary, observation: Observation): string {
  const sandbox = sandboxConditionOf(container, observation);
  return `${container.state} ${sandbox} ${container.sandboxID} ${container.attempt} ${container.createdAtNanos}`;
}

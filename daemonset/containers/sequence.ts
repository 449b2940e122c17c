/**
 * The attempts of one container of one pod, over all its sandboxes, and their order. Kubelet takes the one with the
 * latest date for the newest and makes its successor; if a clock step dated an older attempt later, that successor's
 * name is taken already, for ever (kubernetes#135762).
 */
import type { ContainerSummary } from "../runtime/runtime.ts";
import type { Observation } from "./observation.ts";

/** Attempts are 32 bits wide. Further apart than half of that, which one is higher can't be told. */
const HALF_OF_ATTEMPTS = 2 ** 31;

/** Dates by container ID that the runtime's list had lost and its status still knew. */
export type Dates = ReadonlyMap<string, bigint>;

export class Sequences {
  readonly #groups = new Map<string, ContainerSummary[]>();
  readonly #dates: Dates;

  constructor(observation: Observation, dates: Dates = new Map()) {
    this.#dates = dates;
    for (const container of observation.containers) {
      const key = sequenceKey(container);
      if (key === undefined) continue;
      const group = this.#groups.get(key);
      if (group === undefined) this.#groups.set(key, [container]);
      else group.push(container);
    }
  }

  /** Nanoseconds since the epoch; undefined if nobody knows. */
  dateOf(container: ContainerSummary): bigint | undefined {
    return knownDate(container.createdAtNanos) ?? knownDate(this.#dates.get(container.id) ?? 0n);
  }

  /** Whether a higher attempt exists, whatever its date. */
  isSuperseded(container: ContainerSummary): boolean {
    return this.#siblings(container).some((other) => isHigher(other.attempt, container.attempt));
  }

  /** Whether other attempts of the same container exist, so that its date matters. */
  hasSiblings(container: ContainerSummary): boolean {
    return this.#siblings(container).length > 1;
  }

  /**
   * The proof that `container` is dated later than a higher attempt: of all such attempts the highest. That one is
   * never dated later than a still higher attempt itself, so proofs do not hang on each other.
   */
  overtaken(container: ContainerSummary): ContainerSummary | undefined {
    let highest: ContainerSummary | undefined;
    for (const other of this.#siblings(container)) {
      if (!this.#overtakes(container, other)) continue;
      if (highest === undefined || isHigher(other.attempt, highest.attempt)) highest = other;
    }
    return highest;
  }

  #overtakes(container: ContainerSummary, other: ContainerSummary): boolean {
    return overtakes(
      { attempt: container.attempt, createdAtNanos: this.dateOf(container) ?? 0n },
      { attempt: other.attempt, createdAtNanos: this.dateOf(other) ?? 0n },
    );
  }

  #siblings(container: ContainerSummary): readonly ContainerSummary[] {
    const key = sequenceKey(container);
    return key === undefined ? [] : (this.#groups.get(key) ?? []);
  }
}

type Placed = Pick<ContainerSummary, "attempt" | "createdAtNanos">;

/** Whether `container` is dated later than the higher attempt `other`. Unknown dates and equal ones prove nothing. */
export function overtakes(container: Placed, other: Placed): boolean {
  const date = knownDate(container.createdAtNanos);
  const otherDate = knownDate(other.createdAtNanos);
  if (date === undefined || otherDate === undefined) return false;
  return isHigher(other.attempt, container.attempt) && date > otherDate;
}

/** Go's zero time is far below 0 in nanoseconds, so everything up to 0 stands for "not known". */
export function knownDate(nanos: bigint): bigint | undefined {
  return nanos > 0n ? nanos : undefined;
}

function isHigher(attempt: number, than: number): boolean {
  const distance = attempt - than;
  return distance > 0 && distance < HALF_OF_ATTEMPTS;
}

function sequenceKey(container: ContainerSummary): string | undefined {
  if (container.pod === undefined || container.pod.uid === "" || container.name === "") return undefined;
  // Neither a UID nor a container name can hold a slash.
  return `${container.pod.uid}/${container.name}`;
}

/** Containers from the future: the clock was ahead when they were made, or is behind now. Pure. */
import type { Sign } from "./finding.ts";
import type { Observation } from "./observation.ts";
import { nameOf } from "./reason.ts";

export interface FutureDates {
  readonly count: number;
  readonly farthestSeconds: number;
  readonly example: string;
}

/** NTP steps of some seconds at boot are usual and pass. */
const TOLERANCE_NANOS = 60_000_000_000n;

/** Undefined if no container is dated beyond now by more than the tolerance. */
export function futureDates({ containers, wallNanos }: Observation): FutureDates | undefined {
  const limit = wallNanos + TOLERANCE_NANOS;
  let count = 0;
  let farthest = containers[0];
  for (const container of containers) {
    if (container.createdAtNanos <= limit) continue;
    count += 1;
    if (farthest === undefined || container.createdAtNanos > farthest.createdAtNanos) farthest = container;
  }
  if (count === 0 || farthest === undefined) return undefined;
  return {
    count,
    farthestSeconds: Number((farthest.createdAtNanos - wallNanos) / 1_000_000_000n),
    example: nameOf(farthest),
  };
}

export function clockSign(subject: string, future: FutureDates | undefined): Sign {
  const kind = "clock-in-future";
  if (future === undefined) return { kind, subject, finding: undefined };
  return {
    kind,
    subject,
    finding: {
      kind,
      subject,
      seen:
        `${future.count === 1 ? "one container is" : `${future.count} containers are`} dated later than now, ` +
        `by up to ${future.farthestSeconds} s (${future.example})`,
      // Kubelet's garbage collection passes over containers dated in the future.
      remedy:
        "check the node's clock and its time synchronization: it was ahead when they were made, or is behind now; " +
        "until the clock has caught up kubelet does not clean them up and may take them for the newest",
    },
  };
}

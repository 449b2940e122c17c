/** What must still hold when a container's status is read once more, right before its removal. Pure. */
import type { ContainerReading, ContainerSummary } from "../runtime/runtime.ts";
import type { Removal } from "./decide.ts";
import { knownDate, overtakes } from "./sequence.ts";

export type ChangeReason =
  | "state-changed"
  | "identity-changed" // another pod, name, attempt or date under the same ID
  | "proof-gone" // the higher attempt is no longer there
  | "order-changed"; // the dates, read again, are in order

export function whyChanged(judged: ContainerSummary, fresh: ContainerReading): ChangeReason | undefined {
  if (fresh.state !== judged.state) return "state-changed";
  return isSame(judged, fresh) ? undefined : "identity-changed";
}

/** The order that the clock rule rests on, judged again from what both containers say of themselves now. */
export function whyOrderChanged(
  removal: Removal,
  fresh: ContainerReading,
  freshProof: ContainerReading | undefined,
): ChangeReason | undefined {
  const { overtaken } = removal;
  if (overtaken === undefined || freshProof === undefined || !isSame(overtaken, freshProof))
    return "proof-gone";
  return overtakes(fresh, freshProof) ? undefined : "order-changed";
}

/** The sandbox is not compared: CRI's status of a container does not name it. */
function isSame(judged: ContainerSummary, fresh: ContainerReading): boolean {
  return (
    fresh.id === judged.id &&
    fresh.pod?.uid === judged.pod?.uid &&
    fresh.name === judged.name &&
    fresh.attempt === judged.attempt &&
    isSameDate(judged.createdAtNanos, fresh.createdAtNanos)
  );
}

const SECOND_NANOS = 1_000_000_000n;

/** A list may have lost the date (containerd) or have it in whole seconds (Docker), where the status has all of it. */
function isSameDate(listed: bigint, fresh: bigint): boolean {
  if (knownDate(listed) === undefined || knownDate(fresh) === undefined) return true;
  return listed / SECOND_NANOS === fresh / SECOND_NANOS;
}

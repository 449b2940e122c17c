/** What else goes with a lock that ends: what it had changed for autoscalers, and an uncordon that it had refused. Pure. */
import { giveBack } from "./autoscalers.ts";
import { uncordons } from "./change.ts";
import { LOCK_ANNOTATION, type NodeView } from "./node.ts";
import type { StoredLock } from "./record.ts";
import { atRelease, UNCORDON_REQUESTED_ANNOTATION, type AtRelease } from "./requested-uncordon.ts";
import type { LatchRequest } from "./tool.ts";

export interface LockEnd {
  /** Annotations to write; null removes the key. */
  readonly annotations: ReadonlyMap<string, string | null>;
  readonly kept: AtRelease;
}

export const NOTHING_KEPT: AtRelease = { kind: "none" };

/**
 * @param request on a node that `lock` stands on
 * @param written what the latch writes for other reasons
 * @param carryOut as for `atRelease`
 */
export function lockEnd(
  request: LatchRequest & { readonly before: NodeView; readonly after: NodeView },
  lock: StoredLock,
  written: ReadonlyMap<string, string | null>,
  carryOut: boolean,
): LockEnd {
  const { before, after, change, subresource = "" } = request;
  const annotations = new Map<string, string | null>();
  const next = written.has(LOCK_ANNOTATION)
    ? written.get(LOCK_ANNOTATION)
    : after.annotations.get(LOCK_ANNOTATION);
  const isRemoved = (next ?? null) === null;
  if ((isRemoved || uncordons(change)) && after.annotations.has(UNCORDON_REQUESTED_ANNOTATION))
    annotations.set(UNCORDON_REQUESTED_ANNOTATION, null);
  if (!isRemoved) return { annotations, kept: NOTHING_KEPT };
  const given = giveBack(lock.kind === "record" ? lock.record.autoscalers : undefined, after.annotations);
  for (const [key, value] of given) annotations.set(key, value);
  return { annotations, kept: atRelease({ before, after, lock, subresource, carryOut }) };
}

/** Turns what was asked into what is stored. The server's facts win over anything the value claims. */
import { sameAutoscalers } from "./autoscalers.ts";
import type { NodeView } from "./node.ts";
import { formatTime, type Asker, type LockRecord } from "./record.ts";
import type { LockRequest } from "./request.ts";

/** A new lock. `before` is the node as the server held it before this request; on CREATE, the new node itself. */
export function stampNew(
  request: LockRequest,
  asker: Asker,
  before: NodeView,
  nowMillis: number,
): LockRecord {
  return {
    holder: asker.username,
    ...(asker.node === undefined ? {} : { holderNode: asker.node }),
    acquiredAt: formatTime(nowMillis),
    nodeUID: before.uid,
    bootID: before.bootID,
    wasUnschedulable: before.unschedulable,
    ...asked(request),
  };
}

/** The holder's change to its own lock: reason, expiry and release are new, every stamp stays. */
export function restamp(held: LockRecord, request: LockRequest): LockRecord {
  return {
    holder: held.holder,
    ...(held.holderNode === undefined ? {} : { holderNode: held.holderNode }),
    acquiredAt: held.acquiredAt,
    nodeUID: held.nodeUID,
    bootID: held.bootID,
    wasUnschedulable: held.wasUnschedulable,
    ...(held.autoscalers === undefined ? {} : { autoscalers: held.autoscalers }),
    ...asked(request),
  };
}

function asked(request: LockRequest): Pick<LockRecord, "reason" | "release" | "expiresAt"> {
  const at = request.expiresAtMillis;
  return {
    reason: request.reason,
    release: request.release,
    // Rounded up: a lock never ends before the time that was asked for.
    ...(at === undefined ? {} : { expiresAt: formatTime(Math.ceil(at / 1_000) * 1_000) }),
  };
}

/** Whether `next` carries the same stamps as `held`. */
export function stampsKept(held: LockRecord, next: LockRecord): boolean {
  return (
    next.holder === held.holder &&
    next.holderNode === held.holderNode &&
    next.acquiredAt === held.acquiredAt &&
    next.nodeUID === held.nodeUID &&
    next.bootID === held.bootID &&
    next.wasUnschedulable === held.wasUnschedulable &&
    sameAutoscalers(next.autoscalers, held.autoscalers)
  );
}

/** Whether `next` is what stampNew would have written for this asker on this node. */
export function stampedFor(next: LockRecord, asker: Asker, before: NodeView): boolean {
  return (
    next.holder === asker.username &&
    next.holderNode === asker.node &&
    next.nodeUID === before.uid &&
    next.bootID === before.bootID &&
    next.wasUnschedulable === before.unschedulable
  );
}

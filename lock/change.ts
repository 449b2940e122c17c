/**
 * What a request would do to a locked node, from the operation, the subresource and the two objects alone: never from
 * the request body or the user agent, as an uncordon comes in at least four shapes (reboot-locks.md 0.5).
 */
import { LOCK_ANNOTATION, type NodeView } from "./node.ts";
import { lockOn, type StoredLock } from "./record.ts";
import { writesRequest } from "./requested-uncordon.ts";

export type Change =
  | { readonly kind: "none"; readonly why: NotRelevant }
  /** The key appears on a node that had none. `before` is null on CREATE. */
  | { readonly kind: "acquire"; readonly before: NodeView | null; readonly after: NodeView }
  | LockedChange;

export type NotRelevant =
  | "connect" // CONNECT to a node's proxy
  | "not-locked" // the node held no lock and gets none
  | "being-deleted" // deletionTimestamp set: the lock ends with the node
  | "untouched"; // locked, but neither the lock nor the cordon changes

/** A request on a node that holds a lock. `before` is what the server holds now. */
export type LockedChange =
  | {
      readonly kind:
        | "uncordon"
        | "lock-removed"
        | "removed-and-uncordoned"
        | "lock-changed"
        | "changed-and-uncordoned"
        // Lock and cordon aside, a kept uncordon is set or changed (requested-uncordon.ts).
        | "request-written"
        // The lock stays as it is. Everybody may do that, but a tool that cordons will uncordon too.
        | "cordon";
      readonly before: NodeView;
      readonly lock: StoredLock;
      readonly after: NodeView;
    }
  | { readonly kind: "delete"; readonly before: NodeView; readonly lock: StoredLock };

export interface NodeRequest {
  readonly operation: "CREATE" | "UPDATE" | "DELETE" | "CONNECT";
  readonly subresource: string;
  readonly old: NodeView | null;
  readonly node: NodeView | null;
}

/**
 * @throws TypeError if an object is missing that the API server always sends for the operation; a webhook must then
 * answer with an error, as it can't know what would happen.
 */
export function changeOf(request: NodeRequest): Change {
  const { operation, old, node } = request;
  if (operation === "CONNECT") return { kind: "none", why: "connect" };
  if (operation === "CREATE") {
    const after = present(node, "request.object", operation);
    return lockOn(after) === undefined
      ? { kind: "none", why: "not-locked" }
      : { kind: "acquire", before: null, after };
  }
  const before = present(old, "request.oldObject", operation);
  if (before.deleting) return { kind: "none", why: "being-deleted" };
  const lock = lockOn(before);
  if (operation === "DELETE") {
    return lock === undefined ? { kind: "none", why: "not-locked" } : { kind: "delete", before, lock };
  }
  const after = present(node, "request.object", operation);
  if (lock === undefined) {
    return lockOn(after) === undefined
      ? { kind: "none", why: "not-locked" }
      : { kind: "acquire", before, after };
  }
  const uncordoned = takesSpec(request.subresource) && before.unschedulable && !after.unschedulable;
  const next = after.annotations.get(LOCK_ANNOTATION);
  if (next === undefined) {
    return { kind: uncordoned ? "removed-and-uncordoned" : "lock-removed", before, lock, after };
  }
  if (next !== before.annotations.get(LOCK_ANNOTATION)) {
    return { kind: uncordoned ? "changed-and-uncordoned" : "lock-changed", before, lock, after };
  }
  if (uncordoned) return { kind: "uncordon", before, lock, after };
  if (writesRequest(before, after)) return { kind: "request-written", before, lock, after };
  if (cordons(before, after, request.subresource)) return { kind: "cordon", before, lock, after };
  return { kind: "none", why: "untouched" };
}

/** Whether a request with this subresource cordons a node that was not, locked or not. */
export function cordons(before: NodeView, after: NodeView, subresource: string): boolean {
  return takesSpec(subresource) && !before.unschedulable && after.unschedulable;
}

/** Whether the request uncordons a locked node, whatever else it does. */
export function uncordons({ kind }: Change): boolean {
  return kind === "uncordon" || kind === "removed-and-uncordoned" || kind === "changed-and-uncordoned";
}

/** The server takes metadata but never spec from a write to nodes/status (strategy.go, kured-observed.md 3). */
function takesSpec(subresource: string): boolean {
  return subresource !== "status";
}

function present(node: NodeView | null, field: string, operation: string): NodeView {
  if (node === null) throw new TypeError(`${field}: null on ${operation}; the API server always sends it`);
  return node;
}

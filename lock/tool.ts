/**
 * Reboot tools that are known by their user name: which of their own writes takes a reboot lock, and which one ends it.
 * They need no knowledge of Nodelatch; the lock comes and goes in the very write that they send anyway. Pure.
 */
import { cordons, type Change } from "./change.ts";
import type { NodeView } from "./node.ts";
import { holds, isExpired, isStale, lockOn, type Asker, type Release } from "./record.ts";

export interface Tool {
  /** For people: stands in the lock's reason. */
  readonly name: string;
  readonly username: string;
  readonly lockOn: LockOn;
  readonly releaseOn: ReleaseOn;
  /** Life of its locks, milliseconds; undefined: what a lock gets that asks for none. */
  readonly ttlMillis: number | undefined;
  /**
   * It runs on every node and reboots only its own: then only its pod on that node locks and holds. Else it is one
   * controller, whose pod may move while it holds a lock.
   */
  readonly perNode: boolean;
}

export type LockOn =
  { readonly kind: "cordon" } | { readonly kind: "annotation-added"; readonly key: string };

export type ReleaseOn =
  | { readonly kind: "uncordon" }
  | { readonly kind: "annotation-removed"; readonly key: string }
  | { readonly kind: "reboot" };

/** By user name; one user is one tool. */
export type Tools = ReadonlyMap<string, Tool>;

export const NO_TOOLS: Tools = new Map();

export function toolsByUser(tools: readonly Tool[]): Tools {
  return new Map(tools.map((tool) => [tool.username, tool]));
}

/** Annotations besides Nodelatch's own that the tools' rules look at. */
export function toolAnnotations(tools: Iterable<Tool>): ReadonlySet<string> {
  const keys = new Set<string>();
  for (const { lockOn: locking, releaseOn } of tools) {
    if (locking.kind === "annotation-added") keys.add(locking.key);
    if (releaseOn.kind === "annotation-removed") keys.add(releaseOn.key);
  }
  return keys;
}

/**
 * Who asks, as locks see it. The node of a controller's pod is left out: it would be stamped into the lock, and once
 * the pod has moved, the controller could not release what it holds.
 */
export function askerFor(username: string, node: string | undefined, tools: Tools): Asker {
  return { username, node: tools.get(username)?.perNode === false ? undefined : node };
}

/** A request, with the change that it would be; `subresource` is "" where left out. */
export interface LatchRequest {
  readonly change: Change;
  /** The node as the server holds it, null on CREATE. */
  readonly before: NodeView | null;
  /** The node as the request would leave it, null on DELETE. */
  readonly after: NodeView | null;
  readonly subresource?: string;
}

export type ToolAct =
  | { readonly kind: "none" }
  /** A new lock of its own, in place of a stale one if there is any. */
  | { readonly kind: "lock"; readonly reason: string; readonly release: Release }
  /** Its own lock goes with this write. */
  | { readonly kind: "release" };

const NONE: ToolAct = { kind: "none" };
const RELEASE: ToolAct = { kind: "release" };

/** What a tool's write means for the lock. What it says about the lock itself is left to the rules for everybody. */
export function toolAct(tool: Tool, request: LatchRequest, asker: Asker, nowMillis: number): ToolAct {
  const { change, before, after } = request;
  if (before === null || after === null) return NONE;
  const lock = lockOn(before);
  const isOwn = lock !== undefined && holds(asker, lock);
  switch (change.kind) {
    case "uncordon":
    case "changed-and-uncordoned":
      // Whatever the lock's release says: refused, kured exits and starts over for ever (facts/kured-observed.md 2b).
      return isOwn ? RELEASE : NONE;
    case "acquire":
    case "lock-changed":
    case "lock-removed":
    case "removed-and-uncordoned":
    case "delete":
    case "request-written":
      return NONE;
    case "none":
    case "cordon":
      break;
  }
  if (locksNow(tool, request, before, after) && isOwnNode(asker, before.name)) {
    // Somebody else's lock is the guard's business: it refuses the cordon while that lock holds.
    const isFree =
      lock === undefined || isExpired(lock, nowMillis) || (isOwn && isStale(lock, before, nowMillis));
    if (isFree) return { kind: "lock", reason: reasonOf(tool, before, after), release: releaseOf(tool) };
  }
  const { releaseOn } = tool;
  const isReleased = releaseOn.kind === "annotation-removed" && isUnmarked(releaseOn.key, before, after);
  return isOwn && isReleased ? RELEASE : NONE;
}

function locksNow(tool: Tool, request: LatchRequest, before: NodeView, after: NodeView): boolean {
  const cordoned = cordons(before, after, request.subresource ?? "");
  if (tool.lockOn.kind === "cordon") return cordoned;
  // A mark may outlive a cycle: kured sets its own only where it is not there yet. Then the cordon is what counts.
  return isMarked(after, tool.lockOn.key) && (cordoned || !isMarked(before, tool.lockOn.key));
}

/**
 * A controller's node is left out (askerFor), so every node is its own. Without a node name in its token a pod can't be
 * told from the others, so each of them counts.
 */
function isOwnNode(asker: Asker, nodeName: string): boolean {
  return asker.node === undefined || asker.node === nodeName;
}

/** "false" is how some tools take a mark away (Flatcar's: "reboot-in-progress"). */
function isMarked(node: NodeView, key: string): boolean {
  return (node.annotations.get(key) ?? "false") !== "false";
}

function isUnmarked(key: string, before: NodeView, after: NodeView): boolean {
  return isMarked(before, key) && !isMarked(after, key);
}

function reasonOf(tool: Tool, before: NodeView, after: NodeView): string {
  return `${!before.unschedulable && after.unschedulable ? "cordoned" : "marked"} by ${tool.name}`;
}

function releaseOf(tool: Tool): Release {
  return tool.releaseOn.kind === "annotation-removed" ? "explicit" : tool.releaseOn.kind;
}

/**
 * A refused uncordon, kept on the node until the lock goes: whoever sent it may never come again (k8s-driver-manager
 * only warns, reboot-locks.md 3.1), and the node would stay cordoned for ever. Pure and total.
 */
import type { NodeView } from "./node.ts";
import { formatTime, lockOn, type Asker, type StoredLock } from "./record.ts";

/** Annotation with the last refused uncordon, JSON of `RequestedUncordon`. */
export const UNCORDON_REQUESTED_ANNOTATION = "nodelatch.io/uncordon-requested";

/** Bytes of the annotation's value. */
export const LONGEST_REQUEST_BYTES = 2_048;

export interface RequestedUncordon {
  /** Username of the sender. */
  readonly by: string;
  /** As many of its groups as fit: fewer can only mean fewer rights. */
  readonly groups: readonly string[];
  /** RFC 3339, whole seconds, UTC. */
  readonly at: string;
}

/** Canonical JSON of at most `LONGEST_REQUEST_BYTES`; undefined for a username that does not fit. */
export function writeRequestedUncordon(
  sender: { readonly username: string; readonly groups: readonly string[] },
  nowMillis: number,
): string | undefined {
  const text = (groups: readonly string[]): string =>
    JSON.stringify({ at: formatTime(nowMillis), by: sender.username, groups });
  let left = LONGEST_REQUEST_BYTES - Buffer.byteLength(text([]));
  if (left < 0) return undefined;
  const groups: string[] = [];
  for (const group of sender.groups) {
    // A comma before all but the first.
    const bytes = Buffer.byteLength(JSON.stringify(group)) + (groups.length === 0 ? 0 : 1);
    if (bytes > left) continue;
    left -= bytes;
    groups.push(group);
  }
  return text(groups);
}

/** Undefined for a value that this program has not written. */
export function readRequestedUncordon(value: string): RequestedUncordon | undefined {
  if (value.length > LONGEST_REQUEST_BYTES) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch {
    return undefined;
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return undefined;
  const fields = new Map<string, unknown>(Object.entries(parsed));
  const [by, groups, at] = [fields.get("by"), fields.get("groups"), fields.get("at")];
  if (typeof by !== "string" || by === "" || typeof at !== "string" || !isTexts(groups)) return undefined;
  return { by, groups, at };
}

/** Whose refused uncordon the node carries; undefined if none that can be read. */
export function requestedBy(node: NodeView): string | undefined {
  const value = node.annotations.get(UNCORDON_REQUESTED_ANNOTATION);
  return value === undefined ? undefined : readRequestedUncordon(value)?.by;
}

/** Whether the request writes one on a node that is and stays locked. Anybody may remove one. */
export function writesRequest(before: NodeView, after: NodeView): boolean {
  if (lockOn(before) === undefined || lockOn(after) === undefined) return false;
  const value = after.annotations.get(UNCORDON_REQUESTED_ANNOTATION);
  return value !== undefined && value !== before.annotations.get(UNCORDON_REQUESTED_ANNOTATION);
}

/**
 * Who may write one: it is carried out with its sender's rights, so a forged one would borrow them.
 * @param nodeName of the node that it is written on
 */
export function mayWriteRequest(
  asker: Asker,
  nodeName: string,
  writers: { readonly webhookUsername: string; readonly agentUsername: string },
): boolean {
  if (asker.username === writers.webhookUsername) return true;
  return asker.username === writers.agentUsername && asker.node === nodeName;
}

/** What becomes of a kept uncordon when the lock goes. */
export type AtRelease =
  /** There is none, or nothing to do for it: the node is uncordoned anyway. */
  | { readonly kind: "none" }
  /** The node stays cordoned. */
  | { readonly kind: "drop"; readonly why: DropReason; readonly by: string | undefined }
  /** Carried out if its sender may still write the node. */
  | { readonly kind: "ask"; readonly request: RequestedUncordon };

export type DropReason =
  | "turned-off" // by setting, or because the guard does not enforce: then nobody has guarded the annotation
  | "unstamped-lock" // the latch was away when the lock came, so the request may be older than the lock, and forged
  | "unreadable"
  | "status-write"; // a write to nodes/status can't change the spec

/**
 * @param before the node as the server holds it; what the request itself says about the annotation does not count
 * @param after the node as the request would leave it, without the lock
 * @param carryOut whether refused uncordons are carried out, and the guard enforces
 */
export function atRelease(release: {
  readonly before: NodeView;
  readonly after: NodeView;
  readonly lock: StoredLock;
  readonly subresource: string;
  readonly carryOut: boolean;
}): AtRelease {
  const { before, after, lock } = release;
  const value = before.annotations.get(UNCORDON_REQUESTED_ANNOTATION);
  // Who removes it together with the lock wants the node to stay as it is; who cordons with it wants it cordoned.
  const isWithdrawn = !after.annotations.has(UNCORDON_REQUESTED_ANNOTATION);
  if (value === undefined || isWithdrawn || !before.unschedulable || !after.unschedulable)
    return { kind: "none" };
  const request = readRequestedUncordon(value);
  const drop = (why: DropReason): AtRelease => ({ kind: "drop", why, by: request?.by });
  if (!release.carryOut) return drop("turned-off");
  if (lock.kind !== "record") return drop("unstamped-lock");
  if (request === undefined) return drop("unreadable");
  if (release.subresource === "status") return drop("status-write");
  return { kind: "ask", request };
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

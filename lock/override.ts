/**
 * Break-glass: an override annotation newly set in a request on a locked node.
 *
 * The latch (mutating) runs before the guard (validating), so once it has removed the lock and the override, the guard
 * could no longer tell a break-glass from a strip. Therefore the latch leaves a record behind, and the guard takes a
 * newly written record by the caller as the claim. The claim proves nothing by itself: the guard still asks RBAC.
 */
import { LAST_OVERRIDE_ANNOTATION, OVERRIDE_ANNOTATION, type NodeView } from "./node.ts";
import { formatTime, type Asker } from "./record.ts";
import { oneLine } from "./request.ts";
import { shorten } from "./shorten.ts";

const LONGEST_OVERRIDE_REASON = 512;

export type Override =
  | { readonly kind: "none" }
  /** Set, but to nothing: an act without a reason is refused, or nobody would ever give one. */
  | { readonly kind: "without-reason" }
  | { readonly kind: "claimed"; readonly reason: string };

/** What the request itself says about an override, before the latch has touched it. */
export function overrideAsked(before: NodeView, after: NodeView): Override {
  const value = after.annotations.get(OVERRIDE_ANNOTATION);
  if (value === undefined || value === before.annotations.get(OVERRIDE_ANNOTATION)) return { kind: "none" };
  return claim(value);
}

/** What the guard sees: the latch's fresh record by this caller, or the annotation itself where no latch ran. */
export function overrideClaimed(before: NodeView, after: NodeView, asker: Asker): Override {
  const record = after.annotations.get(LAST_OVERRIDE_ANNOTATION);
  if (record !== undefined && record !== before.annotations.get(LAST_OVERRIDE_ANNOTATION)) {
    const read = readOverrideRecord(record);
    if (read?.by === asker.username) return claim(read.reason);
  }
  return overrideAsked(before, after);
}

function claim(value: string): Override {
  const reason = shorten(oneLine(value), LONGEST_OVERRIDE_REASON);
  return reason === "" ? { kind: "without-reason" } : { kind: "claimed", reason };
}

/** Canonical JSON: who broke which lock, when and why. */
export function writeOverrideRecord(
  asker: Asker,
  reason: string,
  brokenHolder: string,
  nowMillis: number,
): string {
  return JSON.stringify({ at: formatTime(nowMillis), by: asker.username, holder: brokenHolder, reason });
}

function readOverrideRecord(value: string): { by: string; reason: string } | undefined {
  try {
    const parsed: unknown = JSON.parse(value);
    if (typeof parsed !== "object" || parsed === null || !("by" in parsed) || !("reason" in parsed))
      return undefined;
    const { by, reason } = parsed;
    return typeof by === "string" && typeof reason === "string" ? { by, reason } : undefined;
  } catch {
    return undefined;
  }
}

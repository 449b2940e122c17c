/** Is this the first the agent sees of this boot? */
import type { BootIDRead } from "./boot-id.ts";
import type { MarkerRead } from "./boot-marker.ts";

export type BootSighting =
  /** Nothing was ever noted on this node, or what was noted is gone. */
  | { readonly kind: "first-sight"; readonly bootID: string }
  /** The agent restarted, the node did not. */
  | { readonly kind: "same-boot"; readonly bootID: string }
  | { readonly kind: "new-boot"; readonly bootID: string; readonly previousBootID: string }
  /** Whether the node rebooted can't be told: whoever asks takes the slower rules, those that need no boot. */
  | { readonly kind: "unknown"; readonly reason: string; readonly bootID: string | undefined };

/**
 * Compares IDs only, so a marker that outlives a reboot (its directory is no tmpfs) is judged right as well.
 * @param journalBootID what the journal in `/var/lib/nodelatch` noted last; asked where the marker is gone, as it is
 * after every reboot.
 */
export function judgeBoot(
  current: BootIDRead,
  marker: MarkerRead,
  journalBootID: string | undefined,
): BootSighting {
  if (current.kind === "unknown") return { ...current, bootID: undefined };
  const { bootID } = current;
  if (marker.kind === "corrupt") return { kind: "unknown", reason: marker.reason, bootID };
  const previousBootID = marker.kind === "marked" ? marker.bootID : journalBootID;
  if (previousBootID === undefined) return { kind: "first-sight", bootID };
  return previousBootID === bootID
    ? { kind: "same-boot", bootID }
    : { kind: "new-boot", bootID, previousBootID };
}

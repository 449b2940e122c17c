/** Questions that leases and caches have in common: is anything to be judged at all, and is an id proven dead. Pure. */
import type { Liveness } from "../liveness/liveness.ts";

/** Longer than any sandbox takes to be made: kubelet gives it 4 minutes and containerd another to clean up after it. */
export const LEAST_GRACE_MILLIS = 600_000;

export type Proven = Extract<Liveness, { readonly kind: "proven" }>;

/** Why nothing at all is removed in this pass, or undefined. */
export type Obstacle =
  /** The question that was not answered. */
  | { readonly kind: "unproven"; readonly reason: string }
  /** A runtime that answered before in this boot: its sandboxes may live, and are in no list now. */
  | { readonly kind: "runtime-missing"; readonly hostPaths: readonly string[] };

export function obstacleOf(liveness: Liveness, missingRuntimes: readonly string[]): Obstacle | undefined {
  if (liveness.kind === "unproven") return liveness;
  return missingRuntimes.length === 0 ? undefined : { kind: "runtime-missing", hostPaths: missingRuntimes };
}

/** What the lists say of an id. */
export type Owner = "ready" | "not-ready" | "unrecognized" | "known" | "nobody";

export function ownerOf(id: string, { sandboxes, otherIDs }: Proven): Owner {
  const listed = sandboxes.get(id);
  if (listed !== undefined) return listed.state;
  return otherIDs.has(id) ? "known" : "nobody";
}

/** By what it is known that an id which is in no list is not that of a sandbox about to appear in one. */
export const DEATH_RULES = ["listed-before", "earlier-boot", "seen-twice"] as const;
export type DeathRule = (typeof DEATH_RULES)[number];

export interface Past {
  /** A runtime has listed the id. False for what names nobody. */
  readonly wasListed: boolean;
  /** The very same file was there in a boot that has ended. */
  readonly isFromEarlierBoot: boolean;
  /** Since when it has been nobody's each time that somebody looked; undefined at the first look. */
  readonly orphanMillis: number | undefined;
}

/** Undefined: it may be that of a sandbox just being made, so wait. */
export function deathOf(past: Past, graceMillis: number): DeathRule | undefined {
  if (past.wasListed) return "listed-before";
  if (past.isFromEarlierBoot) return "earlier-boot";
  // Whatever the settings say: never earlier, and never at the first look.
  const needed = Math.max(graceMillis, LEAST_GRACE_MILLIS);
  return past.orphanMillis !== undefined && past.orphanMillis >= needed ? "seen-twice" : undefined;
}

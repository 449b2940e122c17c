/**
 * Which caches and scratch files go with the leases. Pure and total. One of a sandbox that the runtime still knows must
 * stay, also a broken one: without its scratch file flannel's and multus' DEL does nothing and says that all is well,
 * and the address leaks (facts/cni-state.md 3).
 */
import { deathOf, ownerOf, type DeathRule, type Obstacle, type Past, type Proven } from "./ownership.ts";

export const CACHE_KEEPS = [
  /** Of no pod, as far as its content or its network tell. */
  "foreign",
  "unproven",
  "runtime-missing",
  /** By hand: no network holds a lease of a running sandbox. */
  "mapping-unproven",
  "in-use",
  "known-elsewhere",
  /** Its sandbox's lease stays, so whoever releases that may need it. */
  "lease-kept",
  "seen-too-briefly",
  /** Broken, of a listed sandbox, but its runtime copes with that, or it may be that it is just being written. */
  "corrupt-harmless",
  "corrupt-too-briefly",
] as const;
export type CacheKeep = (typeof CACHE_KEEPS)[number];

export const CACHE_RULES = ["blocks-stop", "lease-released"] as const;
export type CacheRule = DeathRule | (typeof CACHE_RULES)[number];

export type CacheVerdict =
  { readonly kind: "remove"; readonly rule: CacheRule } | { readonly kind: "keep"; readonly why: CacheKeep };

export interface CacheFacts {
  /** Of its sandbox. */
  readonly id: string;
  readonly isKubernetes: boolean;
  readonly past: Past;
  /** Its sandbox's lease went to quarantine in this pass. */
  readonly leaseReleased: boolean;
  /** A lease of its sandbox is there still. */
  readonly leaseKept: boolean;
  /** A result cache that the runtime reads at StopPodSandbox and that holds no JSON; not the loopback's. */
  readonly isCorrupt: boolean;
  /** Since when it has had just this content; undefined at the first look. */
  readonly corruptMillis: number | undefined;
}

export interface CacheContext {
  readonly obstacle: Obstacle | undefined;
  readonly liveness: Proven | undefined;
  /** Some network directory holds a lease of a ready sandbox. */
  readonly anyMappingHeld: boolean;
  readonly graceMillis: number;
}

/** It is written in one go while its pod starts; a minute later kubelet has asked again and again. */
export const CORRUPT_GRACE_MILLIS = 9_000;

export function judgeCache(cache: CacheFacts, context: CacheContext): CacheVerdict {
  const { obstacle, liveness } = context;
  if (!cache.isKubernetes) return keep("foreign");
  if (obstacle !== undefined || liveness === undefined) return keep(obstacle?.kind ?? "unproven");
  if (liveness.ownedBy !== "own-pod" && !context.anyMappingHeld) return keep("mapping-unproven");
  const owner = ownerOf(cache.id, liveness);
  if (owner === "known") return keep("known-elsewhere");
  if (owner !== "nobody") return cache.isCorrupt ? judgeCorrupt(cache, liveness) : keep("in-use");
  if (cache.leaseKept) return keep("lease-kept");
  if (cache.leaseReleased) return { kind: "remove", rule: "lease-released" };
  const rule = deathOf(cache.past, context.graceMillis);
  return rule === undefined ? keep("seen-too-briefly") : { kind: "remove", rule };
}

/** Without it DEL works; with it StopPodSandbox fails for ever (facts/node-observed.md 1). */
function judgeCorrupt(cache: CacheFacts, liveness: Proven): CacheVerdict {
  if (!liveness.runtimes.some(({ name, version }) => stumblesOverCorruptCaches(name, version))) {
    return keep("corrupt-harmless");
  }
  const seenMillis = cache.corruptMillis;
  if (seenMillis === undefined || seenMillis < CORRUPT_GRACE_MILLIS) return keep("corrupt-too-briefly");
  return { kind: "remove", rule: "blocks-stop" };
}

/** libcni before 1.2, which is in containerd up to 1.7. Of other runtimes nobody has looked. */
export function stumblesOverCorruptCaches(name: string, version: string): boolean {
  return name === "containerd" && /^v?1\.[0-7]\./.test(version);
}

function keep(why: CacheKeep): CacheVerdict {
  return { kind: "keep", why };
}

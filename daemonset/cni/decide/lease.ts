/**
 * Which leases go, and why each other one stays. Pure and total: whoever wants to know why a lease was kept reads
 * `judgeLease` from top to bottom. When in doubt it stays: a leaked address is lost, one given out twice breaks two pods.
 */
import type { LeaseContent } from "../lease/content.ts";
import { deathOf, ownerOf, type DeathRule, type Obstacle, type Past, type Proven } from "./ownership.ts";

export const LEASE_KEEPS = [
  /** OpenYurt keeps addresses for pods over a reboot by files in this directory, and rewrites leases in place. */
  "retention",
  /** Somebody wrote it who is no CNI plugin of Kubernetes'. */
  "foreign-content",
  /** Liveness could not be proven: nothing at all goes. */
  "unproven",
  "runtime-missing",
  /** Sandboxes run with this network, and none of them has a lease here: this directory is not what it seems. */
  "mapping-broken",
  /** By hand: no running sandbox has a lease here, so that nothing shows that the runtime's list is the one that counts. */
  "mapping-unproven",
  "in-use",
  /** Its sandbox has ended and the runtime still lists it: releasing it is kubelet's. */
  "not-ready",
  "unrecognized-sandbox",
  /** containerd, podman or nerdctl knows the id, such as of a sandbox that is being made. */
  "known-elsewhere",
  "address-in-use",
  /** In no list, but it may be that of a sandbox which is just being made. */
  "seen-too-briefly",
  "blank-switched-off",
] as const;
export type LeaseKeep = (typeof LEASE_KEEPS)[number];

export type LeaseVerdict =
  { readonly kind: "remove"; readonly rule: DeathRule } | { readonly kind: "keep"; readonly why: LeaseKeep };

/**
 * What shows that leases in this directory are those of the listed sandboxes. `held`: a ready one has its lease here.
 * `broken`: ready ones should and none has. `silent`: no ready one uses the network, as far as caches tell.
 */
export type Mapping = "held" | "silent" | "broken";

export interface LeaseFacts {
  /** Its file's name, a canonical address. */
  readonly address: string;
  readonly content: LeaseContent;
  readonly past: Past;
}

export interface NetworkFacts {
  readonly retains: boolean;
  readonly mapping: Mapping;
}

export interface LeaseContext {
  readonly network: NetworkFacts;
  readonly obstacle: Obstacle | undefined;
  /** Asked after the lease was read. Undefined with an obstacle. */
  readonly liveness: Proven | undefined;
  readonly graceMillis: number;
  /** Leases that a power cut has emptied go as well. */
  readonly blankLeases: boolean;
}

export function judgeLease(lease: LeaseFacts, context: LeaseContext): LeaseVerdict {
  const { network, liveness, graceMillis } = context;
  const { content, past } = lease;
  if (network.retains) return keep("retention");
  if (content.kind === "foreign") return keep("foreign-content");
  if (context.obstacle !== undefined || liveness === undefined)
    return keep(context.obstacle?.kind ?? "unproven");
  if (content.kind === "owned") {
    const listed = keptByOwner(content.id, liveness);
    if (listed !== undefined) return keep(listed);
  }
  if (network.mapping === "broken") return keep("mapping-broken");
  if (liveness.ownedBy !== "own-pod" && network.mapping !== "held") return keep("mapping-unproven");
  if (liveness.addresses.has(lease.address)) return keep("address-in-use");
  if (content.kind !== "owned" && !context.blankLeases) return keep("blank-switched-off");
  const known = content.kind === "owned" ? past : { ...past, wasListed: false };
  const rule = deathOf(known, graceMillis);
  return rule === undefined ? keep("seen-too-briefly") : { kind: "remove", rule };
}

function keptByOwner(id: string, liveness: Proven): LeaseKeep | undefined {
  switch (ownerOf(id, liveness)) {
    case "ready":
      return "in-use";
    case "not-ready":
      return "not-ready";
    case "unrecognized":
      return "unrecognized-sandbox";
    case "known":
      return "known-elsewhere";
    case "nobody":
      return undefined;
  }
}

function keep(why: LeaseKeep): LeaseVerdict {
  return { kind: "keep", why };
}

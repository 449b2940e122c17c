/** A directory with leases, and what is known of its network. */
import type { Pools } from "./pool.ts";

export interface NetworkDirectory {
  readonly name: string;
  /** As the node calls it. It stands for the network wherever something is remembered or reported. */
  readonly hostPath: string;
  /** As this process sees it, with links followed. */
  readonly directory: string;
  /** How it is known that Kubernetes' pods use it, in words. */
  readonly because: string;
  /** host-local itself walks past what a link leads to: there DEL frees nothing (facts/cni-state.md 2). */
  readonly isLink: boolean;
  readonly pools: Pools;
}

export interface Discovery {
  readonly networks: readonly NetworkDirectory[];
  /** Names of Kubernetes' networks, also of those without a directory. */
  readonly names: ReadonlySet<string>;
  /** Directories that nothing shows to be Kubernetes'; at most some of them. */
  readonly foreign: readonly string[];
  readonly problems: readonly DiscoveryProblem[];
}

export interface DiscoveryProblem {
  readonly kind: "link-leads-out" | "unreadable";
  /** As the node calls it. */
  readonly hostPath: string;
  readonly reason: string;
}

export interface CacheDirectory {
  readonly hostPath: string;
  /** Files named by network, id and interface with JSON in them, or by the id alone. */
  readonly kind: "results" | "scratch";
}

/** Where libcni, cri-dockerd, multus and flannel keep what they need for DEL (facts/cni-state.md 3). */
export const CACHE_DIRECTORIES: readonly CacheDirectory[] = [
  { hostPath: "/var/lib/cni/results", kind: "results" },
  { hostPath: "/var/lib/cni/cache/results", kind: "results" },
  { hostPath: "/var/lib/cni/multus/results", kind: "results" },
  { hostPath: "/var/lib/cni/multus", kind: "scratch" },
  { hostPath: "/var/lib/cni/flannel", kind: "scratch" },
];

/** What a pass over CNI state saw and did, as data that can be written as JSON, of bounded size whatever the node holds. */
import type { QuarantineUsage } from "../apply/order.ts";
import type { CacheKeep, CacheRule } from "../decide/cache.ts";
import type { LeaseKeep } from "../decide/lease.ts";
import type { DeathRule } from "../decide/ownership.ts";
import type { Family } from "../lease/address.ts";
import type { CniMode } from "../settings.ts";

export const MOVE_OUTCOMES = [
  "moved",
  /** Mode `report`, or a scan. */
  "would-move",
  "gone",
  /** When looked at again it was another one, or alive. */
  "changed",
  "failed",
  /** Its batch was not touched: the lock is held, or what is alive could not be proven again. */
  "skipped",
] as const;
export type MoveOutcome = (typeof MOVE_OUTCOMES)[number];

export type Counts<Key extends string> = Readonly<Partial<Record<Key, number>>>;

/** Leases of one directory. They add up to `leases`. */
export interface LeaseTally {
  readonly leases: number;
  /** Of ready sandboxes. */
  readonly live: number;
  /** Of sandboxes that have ended and are still listed. */
  readonly ended: number;
  /** Nobody's, by proof. */
  readonly stale: number;
  /** Nobody's as it seems; more looks will tell. */
  readonly waiting: number;
  /** Not written by a plugin of Kubernetes'. */
  readonly foreign: number;
  /** Everything else that is kept: unproven, being made, its address in use. */
  readonly other: number;
}

export interface PoolReport {
  readonly family: Family;
  /** Undefined where configuration does not say it. */
  readonly size: number | undefined;
  readonly used: number;
  readonly free: number | undefined;
}

export interface NetworkReport {
  readonly name: string;
  /** As the node calls it. */
  readonly path: string;
  /** How it is known that this is Kubernetes'. */
  readonly because: string;
  readonly isLink: boolean;
  /** After the pass. */
  readonly pools: readonly PoolReport[];
  readonly before: LeaseTally;
  readonly after: LeaseTally;
  /** Of those that are left: how many were there in an earlier boot. Undefined if nothing is remembered of one. */
  readonly predating: number | undefined;
  /** When there would be no address left if nothing were removed; undefined without evidence of several boots. */
  readonly forecast: Forecast | undefined;
  readonly kept: Counts<LeaseKeep>;
  readonly rules: Counts<DeathRule>;
  readonly outcomes: Counts<MoveOutcome>;
  /** Some of those that were to go. */
  readonly removals: readonly RemovalLine[];
  readonly troubles: readonly Trouble[];
}

export interface Forecast {
  /** Boots that it rests on. */
  readonly boots: number;
  /** Leases that each of them left stale, on average. */
  readonly stalePerBoot: number;
  /** As many more boots, at the pace of these. */
  readonly bootsLeft: number;
}

export interface RemovalLine {
  /** As the node calls it. */
  readonly path: string;
  /** The pod's sandbox; undefined if the file names none. */
  readonly id: string | undefined;
  readonly outcome: MoveOutcome;
  readonly reason: string;
}

export const TROUBLE_KINDS = [
  "address-blocked",
  "link",
  "link-leads-out",
  "unreadable",
  "not-removed",
  "mapping-broken",
  "retention",
  "foreign-reservation",
] as const;

/** Something in the way that this program does not mend. */
export interface Trouble {
  readonly kind: (typeof TROUBLE_KINDS)[number];
  /** As the node calls it. */
  readonly path: string;
  readonly seen: string;
}

export interface CacheReport {
  readonly files: number;
  readonly kept: Counts<CacheKeep>;
  readonly rules: Counts<CacheRule>;
  readonly outcomes: Counts<MoveOutcome>;
  readonly removals: readonly RemovalLine[];
  readonly troubles: readonly Trouble[];
}

export interface RepairLine {
  readonly id: string;
  /** `namespace/name` */
  readonly pod: string;
  readonly outcome: "stopped" | "would-stop" | "failed";
  readonly detail: string;
}

export interface AskedReport {
  readonly name: string;
  readonly version: string;
  readonly path: string;
  /** The version of the same line that does not leak; undefined if this one is not known to. */
  readonly mended: string | undefined;
}

export interface CniReport {
  readonly modes: Readonly<Record<"leases" | "caches" | "sandboxRepair", CniMode>>;
  /** False: a scan, which changes nothing. */
  readonly acts: boolean;
  /** RFC 3339, by the node's clock. */
  readonly startedAt: string;
  readonly durationMillis: number;
  /** Everything was read. */
  readonly isWhole: boolean;
  /** Why nothing at all was removed, in words. */
  readonly obstacle: string | undefined;
  readonly runtimes: readonly AskedReport[];
  readonly networks: readonly NetworkReport[];
  /** Directories that nothing shows to be Kubernetes', so that nothing in them is looked at; some of them. */
  readonly foreign: readonly string[];
  readonly caches: CacheReport;
  readonly repairs: readonly RepairLine[];
  /** Why repair was held back, in words. */
  readonly repairHeld: string | undefined;
  /** Files in /run/netns that are no namespaces any more. They do no harm and are left. */
  readonly deadNamespaces: number;
  readonly quarantine: QuarantineUsage | undefined;
  readonly memory: { readonly knowsEarlierBoot: boolean; readonly problem: string | undefined };
  /** Of directories rather than of networks. */
  readonly troubles: readonly Trouble[];
}

export const MOST_LINES = 50;
export const MOST_TROUBLES = 20;

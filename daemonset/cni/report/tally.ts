/** Counts up while a pass goes on; what is made of it at the end is plain data. */
import { shorten } from "../../../lock/shorten.ts";
import type { LeaseKeep } from "../decide/lease.ts";
import {
  MOST_LINES,
  MOST_TROUBLES,
  type LeaseTally,
  type MoveOutcome,
  type RemovalLine,
  type Trouble,
} from "./report.ts";

export class Counter<Key extends string> {
  readonly #counts = new Map<Key, number>();

  add(key: Key, count = 1): void {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + count);
  }

  of(key: Key): number {
    return this.#counts.get(key) ?? 0;
  }

  sum(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  toCounts(): Partial<Record<Key, number>> {
    const counts: Partial<Record<Key, number>> = {};
    for (const [key, count] of this.#counts) counts[key] = count;
    return counts;
  }
}

/** Removals and troubles of one directory or of all caches. */
export class Removals<Rule extends string> {
  readonly rules = new Counter<Rule>();
  readonly outcomes = new Counter<MoveOutcome>();
  readonly lines: RemovalLine[] = [];
  readonly troubles: Trouble[] = [];

  /** Counts it. Gives its line if it is one of those that are shown one by one: of the others nobody writes one. */
  add(rule: Rule, outcome: MoveOutcome, lineOf: () => RemovalLine): RemovalLine | undefined {
    this.rules.add(rule);
    this.outcomes.add(outcome);
    if (this.lines.length >= MOST_LINES) return undefined;
    const line = lineOf();
    this.lines.push({ ...line, reason: shorten(line.reason, 300) });
    return line;
  }

  /** The same trouble with many files is one. */
  trouble(trouble: Trouble): void {
    const isKnown = this.troubles.some(({ kind, path }) => kind === trouble.kind && path === trouble.path);
    if (!isKnown && this.troubles.length < MOST_TROUBLES) {
      this.troubles.push({ ...trouble, seen: shorten(trouble.seen, 300) });
    }
  }
}

const LIVE: ReadonlySet<LeaseKeep> = new Set(["in-use"]);
const ENDED: ReadonlySet<LeaseKeep> = new Set(["not-ready"]);
const WAITING: ReadonlySet<LeaseKeep> = new Set(["seen-too-briefly"]);
const FOREIGN: ReadonlySet<LeaseKeep> = new Set(["foreign-content", "retention"]);

export function leaseTally(kept: Counter<LeaseKeep>, stale: number): LeaseTally {
  let [live, ended, waiting, foreign, other] = [0, 0, 0, 0, 0];
  for (const [why, count] of Object.entries(kept.toCounts())) {
    if (hasKey(LIVE, why)) live += count;
    else if (hasKey(ENDED, why)) ended += count;
    else if (hasKey(WAITING, why)) waiting += count;
    else if (hasKey(FOREIGN, why)) foreign += count;
    else other += count;
  }
  return {
    leases: live + ended + waiting + foreign + other + stale,
    live,
    ended,
    stale,
    waiting,
    foreign,
    other,
  };
}

function hasKey(set: ReadonlySet<string>, key: string): boolean {
  return set.has(key);
}

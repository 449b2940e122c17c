/** What a pass saw and did, as data that can be written as JSON, of bounded size whatever the node holds. */
import { shorten } from "../../lock/shorten.ts";
import type { RuntimeFailureKind } from "../runtime/runtime.ts";
import type { FutureDates } from "./clock-sign.ts";
import type { KeepReason, Keep, Removal } from "./decide.ts";
import { outcomeText, type Outcome } from "./outcome.ts";
import { nameOf, reasonOf } from "./reason.ts";
import type { Mode, Phase, Rule } from "./settings.ts";

export interface PassReport {
  readonly phase: Phase;
  readonly mode: Mode;
  /** RFC 3339, by the node's clock. */
  readonly startedAt: string;
  readonly durationMillis: number;
  readonly runtimes: readonly RuntimeReport[];
}

export type RuntimeReport =
  | {
      readonly kind: "unread";
      readonly key: string;
      readonly label: string;
      readonly failure: RuntimeFailureKind;
      readonly message: string;
    }
  | ReadReport;

export interface ReadReport {
  readonly kind: "read";
  /** Of the target, the same from pass to pass. */
  readonly key: string;
  readonly label: string;
  readonly containers: number;
  readonly sandboxes: number;
  /** How many were kept by the decision, by reason. */
  readonly kept: Readonly<Partial<Record<KeepReason, number>>>;
  /** Some of those whose keeping might surprise: neither running nor ended in order. */
  readonly keptExamples: readonly ContainerLine[];
  /** How many removals had which outcome. */
  readonly outcomes: Readonly<Partial<Record<Outcome["kind"], number>>>;
  /** The first of them; the log has all. */
  readonly removals: readonly RemovalLine[];
  readonly future: FutureDates | undefined;
  /** IDs that are being made, or were, and are in no list; undefined if nobody looked. */
  readonly unlisted: readonly string[] | undefined;
}

export interface ContainerLine {
  readonly id: string;
  readonly container: string;
  readonly reason: string;
}

export interface RemovalLine extends ContainerLine {
  readonly rule: Rule;
  readonly outcome: Outcome["kind"];
  readonly result: string;
}

export const MOST_REMOVALS = 50;
export const MOST_KEPT_EXAMPLES = 10;
/** Runtimes put whole causes into their messages. */
const LONGEST_MESSAGE = 300;

const UNSURPRISING: ReadonlySet<KeepReason> = new Set(["running", "ended", "not-kubernetes", "own-pod"]);

export function keptCounts(kept: readonly Keep[]): ReadReport["kept"] {
  return countBy(kept.map(({ why }) => why));
}

export function keptExamples(kept: readonly Keep[]): readonly ContainerLine[] {
  const examples: ContainerLine[] = [];
  for (const verdict of kept) {
    if (examples.length === MOST_KEPT_EXAMPLES) break;
    if (!UNSURPRISING.has(verdict.why)) examples.push(lineOf(verdict));
  }
  return examples;
}

export function outcomeCounts(outcomes: readonly Outcome[]): ReadReport["outcomes"] {
  return countBy(outcomes.map(({ kind }) => kind));
}

export function removalLine(outcome: Outcome): RemovalLine {
  const { removal, ...kind } = outcome;
  return {
    ...lineOf(removal),
    rule: removal.rule,
    outcome: kind.kind,
    result: shortened(outcomeText(kind)),
  };
}

export function shortened(text: string): string {
  return shorten(text, LONGEST_MESSAGE);
}

function lineOf(verdict: Keep | Removal): ContainerLine {
  return { id: verdict.container.id, container: nameOf(verdict.container), reason: reasonOf(verdict) };
}

function countBy<K extends string>(keys: readonly K[]): Partial<Record<K, number>> {
  const counts: Partial<Record<K, number>> = {};
  for (const key of keys) counts[key] = (counts[key] ?? 0) + 1;
  return counts;
}

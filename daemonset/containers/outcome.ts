/** What became of each removal that was decided. */
import type { RuntimeFailureKind } from "../runtime/runtime.ts";
import type { Removal } from "./decide.ts";
import type { ChangeReason } from "./reread.ts";

export type Outcome = { readonly removal: Removal } & OutcomeKind;

export type OutcomeKind =
  | { readonly kind: "removed"; readonly millis: number }
  /** `proof-needed`: it proves that another container is dated wrongly, and that one has not gone yet. */
  | { readonly kind: "kept"; readonly why: ChangeReason | "proof-needed" }
  /** To the last try the runtime was at it. */
  | { readonly kind: "busy"; readonly tries: number; readonly message: string }
  /** Somebody else has removed it. */
  | { readonly kind: "gone" }
  | { readonly kind: "failed"; readonly failure: RuntimeFailureKind; readonly message: string }
  /** Not tried, or not to the end: no time left, or the runtime has stopped answering. */
  | { readonly kind: "left"; readonly why: "no-time" | "runtime-silent" }
  /** Mode `report`. */
  | { readonly kind: "would-remove" };

export const OUTCOMES = [
  "removed",
  "kept",
  "busy",
  "gone",
  "failed",
  "left",
  "would-remove",
] as const satisfies readonly OutcomeKind["kind"][];

export function outcomeText(outcome: OutcomeKind): string {
  switch (outcome.kind) {
    case "removed":
      return `removed in ${Math.round(outcome.millis)} ms`;
    case "kept":
      return `kept after all: ${KEPT[outcome.why]}`;
    case "busy":
      return `busy at the last of ${outcome.tries} tries: ${outcome.message}`;
    case "gone":
      return "gone already";
    case "failed":
      return `not removed: ${outcome.message}`;
    case "left":
      return outcome.why === "no-time"
        ? "left for lack of time"
        : "left, as the runtime has stopped answering";
    case "would-remove":
      return "would be removed (mode report)";
  }
}

const KEPT: Readonly<Record<ChangeReason | "proof-needed", string>> = {
  "state-changed": "its state has changed",
  "identity-changed": "its pod, name, attempt or date has changed",
  "proof-gone": "the higher attempt that proved its date wrong is gone or has changed",
  "order-changed": "its date is no longer later than that of the higher attempt",
  "proof-needed": "it proves that another container's date is wrong, and that one is still there",
};

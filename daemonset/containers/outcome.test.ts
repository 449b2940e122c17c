import { expect, test } from "vitest";
import { OUTCOMES, outcomeText, type OutcomeKind } from "./outcome.ts";

const WORDS: readonly (readonly [OutcomeKind, string])[] = [
  [{ kind: "removed", millis: 4.4 }, "removed in 4 ms"],
  [{ kind: "kept", why: "state-changed" }, "kept after all: its state has changed"],
  [{ kind: "kept", why: "identity-changed" }, "kept after all: its pod, name, attempt or date has changed"],
  [
    { kind: "kept", why: "proof-gone" },
    "kept after all: the higher attempt that proved its date wrong is gone or has changed",
  ],
  [
    { kind: "kept", why: "order-changed" },
    "kept after all: its date is no longer later than that of the higher attempt",
  ],
  [
    { kind: "kept", why: "proof-needed" },
    "kept after all: it proves that another container's date is wrong, and that one is still there",
  ],
  [{ kind: "busy", tries: 3, message: "starting" }, "busy at the last of 3 tries: starting"],
  [{ kind: "gone" }, "gone already"],
  [{ kind: "failed", failure: "other", message: "no" }, "not removed: no"],
  [{ kind: "left", why: "no-time" }, "left for lack of time"],
  [{ kind: "left", why: "runtime-silent" }, "left, as the runtime has stopped answering"],
  [{ kind: "would-remove" }, "would be removed (mode report)"],
];

test.each(WORDS)("%j reads: %s", (outcome, words) => {
  expect(outcomeText(outcome)).toBe(words);
});

test("metrics know every outcome by name", () => {
  expect([...new Set(WORDS.map(([{ kind }]) => kind))].toSorted()).toEqual([...OUTCOMES].toSorted());
});

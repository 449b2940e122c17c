import { describe, expect, test } from "vitest";
import { container, verdictOf, verdictsAt, WEB } from "./fixture.ts";
import { nameOf, reasonOf } from "./reason.ts";
import { DEFAULT_SETTINGS, type Rule } from "./settings.ts";

const higher = container({ id: "higher", attempt: 4, state: "running", createdAtNanos: 50n });
const without = (...rules: readonly Rule[]) => ({
  ...DEFAULT_SETTINGS,
  rules: { ...DEFAULT_SETTINGS.rules, ...Object.fromEntries(rules.map((rule) => [rule, false])) },
});

describe("a verdict says in words", () => {
  test.each([
    [
      "a created one in a dead sandbox",
      { sandboxID: "not-ready" },
      {},
      "created but never started, in a sandbox that has ended: it can't be started any more; its date is later than " +
        "that of attempt 4, so kubelet takes it for the newest",
    ],
    [
      "a created one without a sandbox",
      { sandboxID: "missing", createdAtNanos: 10n },
      {},
      "created but never started, and its sandbox is gone, seen 2 times over 12.5 s",
    ],
    [
      "a created one in a ready sandbox",
      { createdAtNanos: 10n },
      {},
      "created but never started, seen 2 times over 12.5 s, longer than a start takes",
    ],
    [
      "one without status in a dead sandbox",
      { state: "unknown", sandboxID: "not-ready", createdAtNanos: 0n },
      {},
      "the runtime has lost its status, and its sandbox has ended",
    ],
    [
      "an ended one that is dated wrongly",
      { state: "exited" },
      {},
      "ended; its date is later than that of attempt 4, so kubelet takes it for the newest and can't make a new one",
    ],
    [
      "a created one by the clock rule alone",
      {},
      { settings: without("created-in-ready-sandbox") },
      "created but never started; its date is later than that of attempt 4, so kubelet takes it for the newest and " +
        "can't make a new one",
    ],
    ["a running one", { state: "running" }, {}, "it runs"],
    ["one without labels", { pod: undefined }, {}, "it carries no Kubernetes labels"],
    [
      "one of its own pod",
      {},
      { own: { kind: "pod", uid: WEB.uid } },
      "it belongs to this program's own pod",
    ],
    [
      "one when its own pod is not known",
      {},
      { own: { kind: "unknown" } },
      "which pod is this program's own is not known, so nothing is removed",
    ],
    [
      "a state unheard of",
      { state: "unrecognized" },
      {},
      "the runtime gives it a state that this program does not know",
    ],
    [
      "a sandbox state unheard of",
      { sandboxID: "unrecognized" },
      {},
      "the runtime gives its sandbox a state that this program does not know",
    ],
    [
      "another pod's sandbox",
      { pod: { ...WEB, uid: "other" } },
      {},
      "its sandbox is listed as another pod's",
    ],
    ["one that may run", { state: "unknown" }, {}, "the runtime has lost its status, and it may still run"],
    [
      "an ended one in order",
      { state: "exited", createdAtNanos: 10n },
      {},
      "it has ended, and no higher attempt has an earlier date: kubelet and logs need it",
    ],
    [
      "an ended one without date",
      { state: "exited", createdAtNanos: 0n },
      {},
      "it has ended, but its date is not known, so its place among the attempts is not",
    ],
    [
      "a wrong date at shutdown",
      { state: "exited" },
      { phase: "shutdown" },
      "its date is later than that of a higher attempt; that is put right at boot, not at shutdown",
    ],
    [
      "a rule that is off",
      { state: "exited" },
      { settings: without("clock-inverted") },
      "the rule clock-inverted that applies is switched off",
    ],
  ] as const)("why %s goes or stays", (_what, part, context, words) => {
    const verdicts = verdictsAt([0, 12_500], [container(part), higher], context);
    expect(reasonOf(verdictOf(verdicts, "c0"))).toBe(words);
  });

  test("why it stays when seen once", () => {
    expect(reasonOf(verdictOf(verdictsAt([0], [container()]), "c0"))).toBe(
      "it has not been seen like this for long enough: it may be about to start",
    );
  });
});

test("a container is named by its pod, its name, its attempt and the first twelve digits of its ID", () => {
  expect(nameOf(container({ id: "0123456789abcdef", attempt: 3 }))).toBe(
    "default/web app attempt 3 (0123456789ab)",
  );
  expect(nameOf(container({ id: "0123456789abcdef", pod: undefined }))).toBe("container 0123456789ab");
});

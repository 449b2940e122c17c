import { describe, expect, test } from "vitest";
import type { ContainerState, ContainerSummary } from "../runtime/runtime.ts";
import {
  CONDITIONS,
  container,
  sandbox,
  SANDBOXES,
  shortVerdict,
  verdictOf,
  verdictsAt,
  WEB,
} from "./fixture.ts";
import { UNSEEN_START_MILLIS } from "./decide.ts";
import { reasonOf } from "./reason.ts";
import {
  DEFAULT_SETTINGS,
  ownPodOf,
  RULES,
  type ContainersSettings,
  type Phase,
  type Rule,
} from "./settings.ts";

const PHASES = ["boot", "steady", "shutdown"] as const satisfies readonly Phase[];
const STATES = [
  "created",
  "running",
  "exited",
  "unknown",
  "unrecognized",
] as const satisfies readonly ContainerState[];
const ORDERS = ["alone", "inverted"] as const;
/** Grace is 10 s, 2 s at shutdown. */
const LOOKS = {
  "one look": [0],
  "two looks 1.9 s apart": [0, 1_900],
  "two looks 2 s apart": [0, 2_000],
  "two looks 9.9 s apart": [0, 9_900],
  "two looks 10 s apart": [0, 10_000],
} as const;

const DEAD = "created-in-dead-sandbox";
const READY = "created-in-ready-sandbox";
const UNKNOWN = "unknown-in-dead-sandbox";
const CLOCK = "clock-inverted";

// The whole table, by state, sandbox and order of dates ("inverted": dated later than a higher attempt). Cells: boot,
// steady, shutdown. "10:X" is X when seen twice 10 s apart, "2:X" 2 s apart, and seen-too-briefly before; "*" is any.
const TABLE = `
state        | sandbox      | order    | boot                  | steady                | shutdown
created      | ready        | *        | 10:${READY}           | 10:${READY}           | 2:${READY}
created      | not-ready    | *        | ${DEAD}               | ${DEAD}               | ${DEAD}
created      | missing      | *        | 10:${DEAD}            | 10:${DEAD}            | 2:${DEAD}
unknown      | ready        | *        | may-still-run         | may-still-run         | may-still-run
unknown      | not-ready    | *        | ${UNKNOWN}            | 10:${UNKNOWN}         | ${UNKNOWN}
unknown      | missing      | *        | may-still-run         | may-still-run         | may-still-run
exited       | ready        | alone    | ended                 | ended                 | ended
exited       | not-ready    | alone    | ended                 | ended                 | ended
exited       | missing      | alone    | ended                 | ended                 | ended
exited       | ready        | inverted | ${CLOCK}              | ${CLOCK}              | left-to-boot
exited       | not-ready    | inverted | ${CLOCK}              | ${CLOCK}              | left-to-boot
exited       | missing      | inverted | ${CLOCK}              | ${CLOCK}              | left-to-boot
created      | unrecognized | *        | unrecognized-sandbox  | unrecognized-sandbox  | unrecognized-sandbox
unknown      | unrecognized | *        | unrecognized-sandbox  | unrecognized-sandbox  | unrecognized-sandbox
exited       | unrecognized | *        | unrecognized-sandbox  | unrecognized-sandbox  | unrecognized-sandbox
running      | *            | *        | running               | running               | running
unrecognized | *            | *        | unrecognized-state    | unrecognized-state    | unrecognized-state
`;

interface Row {
  readonly state: string;
  readonly sandbox: string;
  readonly order: string;
  readonly cells: readonly string[];
}

const rows: readonly Row[] = TABLE.trim()
  .split("\n")
  .slice(1)
  .map((line) => {
    const [state = "", sandboxName = "", order = "", ...cells] = line.split("|").map((cell) => cell.trim());
    return { state, sandbox: sandboxName, order, cells };
  });

function cellOf(state: string, condition: string, order: string, phase: Phase): string {
  const fitting = rows.filter(
    (row) =>
      row.state === state &&
      (row.sandbox === "*" || row.sandbox === condition) &&
      (row.order === "*" || row.order === order),
  );
  const cell = fitting[0]?.cells[PHASES.indexOf(phase)];
  if (fitting.length !== 1 || cell === undefined) throw new Error(`${fitting.length} rows for ${state}`);
  return cell;
}

function ruleNamed(name: string): Rule {
  const rule = RULES.find((known) => known === name);
  if (rule === undefined) throw new Error(`no rule ${name}`);
  return rule;
}

/** What the cell means for a span of sightings. */
function expectedOf(cell: string, times: readonly number[]): string {
  const [, seconds, rule] = /^(\d+):(.+)$/.exec(cell) ?? [];
  if (seconds === undefined || rule === undefined) return cell;
  const span = (times.at(-1) ?? 0) - (times[0] ?? 0);
  return times.length >= 2 && span >= Number(seconds) * 1_000 ? rule : "seen-too-briefly";
}

const cases = STATES.flatMap((state) =>
  CONDITIONS.flatMap((condition) =>
    ORDERS.flatMap((order) =>
      PHASES.flatMap((phase) =>
        Object.entries(LOOKS).map(([looks, times]) => {
          const verdict = expectedOf(cellOf(state, condition, order, phase), times);
          return { state, condition, order, phase, looks, times, verdict };
        }),
      ),
    ),
  ),
);

/** Alone, or dated later than a higher attempt that runs. */
function containersFor(state: ContainerState, condition: string, order: string): readonly ContainerSummary[] {
  const it = container({ id: "it", state, sandboxID: condition, createdAtNanos: 500n });
  const higher = container({ id: "higher", attempt: 1, state: "running", createdAtNanos: 400n });
  return order === "alone" ? [it] : [it, higher];
}

describe("the table", () => {
  test("has 600 cases", () => {
    expect(cases).toHaveLength(5 * 4 * 2 * 3 * 5);
  });

  test.each(cases)("$phase: $state in a $condition sandbox, $order, $looks: $verdict", (row) => {
    const verdicts = verdictsAt(row.times, containersFor(row.state, row.condition, row.order), {
      phase: row.phase,
    });
    expect(shortVerdict(verdicts.get("it"))).toBe(row.verdict);
  });

  test("with its own pod unknown, nothing goes in any case", () => {
    for (const { times, state, condition, order, phase } of cases) {
      const own = ownPodOf(undefined);
      const verdicts = verdictsAt(times, containersFor(state, condition, order), { phase, own });
      for (const verdict of verdicts.values()) expect(shortVerdict(verdict)).toBe("own-pod-unknown");
    }
  });

  test.each([
    ["of the agent's own pod", { own: { kind: "pod", uid: WEB.uid } }, {}, "own-pod"],
    ["without pod labels", {}, { pod: undefined }, "not-kubernetes"],
    ["with an empty pod UID", {}, { pod: { ...WEB, uid: "" } }, "not-kubernetes"],
    ["without a container name", {}, { name: "" }, "not-kubernetes"],
  ] as const)("nothing %s goes, whatever its state", (_what, context, part, why) => {
    for (const { state, condition, order, phase } of cases) {
      const changed = containersFor(state, condition, order).map((one) => ({ ...one, ...part }));
      const verdicts = verdictsAt([0, 60_000], changed, { phase, ...context });
      const it = shortVerdict(verdicts.get("it"));
      expect(it).toBe(state === "running" ? "running" : why);
    }
  });
});

describe("rules can be switched off one by one", () => {
  const without = (rule: Rule): ContainersSettings => ({
    ...DEFAULT_SETTINGS,
    rules: { ...DEFAULT_SETTINGS.rules, [rule]: false },
  });

  test.each(cases.filter(({ verdict }) => RULES.some((rule) => rule === verdict)))(
    "$phase: $state in a $condition sandbox, $order, $looks: kept without $verdict",
    (row) => {
      const rule = ruleNamed(row.verdict);
      const containers = containersFor(row.state, row.condition, row.order);
      const verdicts = verdictsAt(row.times, containers, { phase: row.phase, settings: without(rule) });
      // A created one that wedges kubelet still goes by the clock rule; everything else stays.
      const byClock = row.state === "created" && row.order === "inverted";
      expect(shortVerdict(verdicts.get("it"))).toBe(byClock ? CLOCK : "switched-off");
      expect(reasonOf(verdictOf(verdicts, "it"))).toContain(
        byClock ? "kubelet takes it for the newest" : `the rule ${rule} that applies is switched off`,
      );
      const others = RULES.filter((other) => other !== rule);
      for (const other of others) {
        const kept = verdictsAt(row.times, containers, { phase: row.phase, settings: without(other) });
        expect(shortVerdict(kept.get("it"))).toBe(rule);
      }
    },
  );

  test("with all rules off, nothing goes", () => {
    const rules = { [DEAD]: false, [READY]: false, [UNKNOWN]: false, [CLOCK]: false };
    const settings = { ...DEFAULT_SETTINGS, rules };
    for (const { state, condition, order, phase } of cases) {
      const verdicts = verdictsAt([0, 60_000], containersFor(state, condition, order), { phase, settings });
      expect([...verdicts.values()].map(({ kind }) => kind)).not.toContain("remove");
    }
  });
});

describe("grace", () => {
  test("with kubelet known stopped, two seconds are enough in every phase", () => {
    for (const phase of PHASES) {
      const at = (millis: number) =>
        shortVerdict(verdictsAt([0, millis], [container()], { phase, kubeletStopped: true }).get("c0"));
      expect(at(1_999)).toBe("seen-too-briefly");
      expect(at(2_000)).toBe(READY);
    }
  });

  test("even a grace of nothing asks for two sightings", () => {
    const settings = { ...DEFAULT_SETTINGS, graceMillis: { boot: 0, steady: 0, shutdown: 0 } };
    expect(shortVerdict(verdictsAt([0], [container()], { settings }).get("c0"))).toBe("seen-too-briefly");
    expect(shortVerdict(verdictsAt([0, 0], [container()], { settings }).get("c0"))).toBe(READY);
  });

  test("it is the setting of the phase", () => {
    const settings = { ...DEFAULT_SETTINGS, graceMillis: { boot: 1, steady: 50, shutdown: 100 } };
    const verdict = (phase: Phase, millis: number) =>
      shortVerdict(verdictsAt([0, millis], [container()], { settings, phase }).get("c0"));
    expect([verdict("boot", 1), verdict("steady", 49), verdict("shutdown", 99)]).toEqual([
      READY,
      "seen-too-briefly",
      "seen-too-briefly",
    ]);
    expect([verdict("steady", 50), verdict("shutdown", 100)]).toEqual([READY, READY]);
  });
});

describe("where a start under way would not be noticed", () => {
  const blind = { startsAreSeen: false, kubeletStopped: true };

  test("created containers wait until kubelet has long given up, whatever the phase and the grace", () => {
    const settings = { ...DEFAULT_SETTINGS, graceMillis: { boot: 0, steady: 0, shutdown: 0 } };
    for (const [sandboxID, rule] of [
      ["ready", READY],
      ["missing", DEAD],
    ] as const) {
      for (const phase of PHASES) {
        const at = (millis: number): string => {
          const part = { ...blind, phase, settings };
          return shortVerdict(verdictsAt([0, millis], [container({ sandboxID })], part).get("c0"));
        };
        expect([at(UNSEEN_START_MILLIS - 1), at(UNSEEN_START_MILLIS)]).toEqual(["seen-too-briefly", rule]);
      }
    }
  });

  test("a longer grace of the settings holds", () => {
    const settings = { ...DEFAULT_SETTINGS, graceMillis: { boot: 1, steady: 1, shutdown: 600_000 } };
    const verdicts = verdictsAt([0, 599_999], [container()], { ...blind, settings });
    expect(shortVerdict(verdicts.get("c0"))).toBe("seen-too-briefly");
  });

  test("a dead sandbox is proof enough: nothing starts there", () => {
    const stuck = container({ sandboxID: "not-ready" });
    expect(shortVerdict(verdictsAt([0], [stuck], blind).get("c0"))).toBe(DEAD);
  });
});

describe("sandboxes", () => {
  test("one that belongs to another pod keeps its containers", () => {
    const foreign = [sandbox({ id: "not-ready", state: "not-ready", pod: { ...WEB, uid: "other" } })];
    const nobodys = [sandbox({ id: "not-ready", state: "not-ready", pod: undefined })];
    const stuck = container({ sandboxID: "not-ready" });
    for (const sandboxes of [foreign, nobodys]) {
      expect(shortVerdict(verdictsAt([0], [stuck], {}, sandboxes).get("c0"))).toBe("foreign-sandbox");
    }
    expect(shortVerdict(verdictsAt([0], [stuck], {}, SANDBOXES).get("c0"))).toBe(DEAD);
  });

  test("an empty list of sandboxes proves nothing at first sight", () => {
    expect(shortVerdict(verdictsAt([0], [container()], {}, []).get("c0"))).toBe("seen-too-briefly");
    expect(shortVerdict(verdictsAt([0, 10_000], [container()], {}, []).get("c0"))).toBe(DEAD);
  });
});

describe("whose pod the program runs in", () => {
  test.each([
    [undefined, { kind: "unknown" }],
    ["", { kind: "unknown" }],
    [" \n", { kind: "unknown" }],
    ["8f2a", { kind: "pod", uid: "8f2a" }],
    ["8f2a\n", { kind: "pod", uid: "8f2a" }],
  ])("%j is %j", (value, own) => {
    expect(ownPodOf(value)).toEqual(own);
  });

  test("a program that runs in no pod may remove", () => {
    const stuck = container({ sandboxID: "not-ready" });
    expect(shortVerdict(verdictsAt([0], [stuck], { own: { kind: "none" } }).get("c0"))).toBe(DEAD);
  });
});

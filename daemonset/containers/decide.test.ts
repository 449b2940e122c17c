import { describe, expect, test } from "vitest";
import type { ContainerState, ContainerSummary } from "../runtime/runtime.ts";
import type { DecideContext } from "./decide.ts";
import { CONDITIONS, container, sandbox, SANDBOXES, shortVerdict, verdictOf, verdictsAt, WEB } from "./fixture.ts";
import { reasonOf } from "./reason.ts";
import { DEFAULT_SETTINGS, ownPodOf, RULES, type ContainersSettings, type Phase, type Rule } from "./settings.ts";

const PHASES = ["boot", "steady", "shutdown"] as const satisfies readonly Phase[];
const STATES = ["created", "running", "exited", "unknown", "unrecognized"] as const satisfies readonly ContainerState[];
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

describe("the order of dates", () => {
  const exited = (attempt: number, date: bigint, part: Partial<ContainerSummary> = {}) =>
    container({ id: `c${attempt}`, attempt, createdAtNanos: date, state: "exited", ...part });
  const short = (containers: readonly ContainerSummary[], part: Partial<DecideContext> = {}) =>
    [...verdictsAt([0], containers, part).values()].map(shortVerdict).join(" ");

  test.each([
    ["a healthy sequence stays", [exited(0, 1n), exited(1, 2n), exited(2, 3n)], "ended ended ended"],
    ["the list's order means nothing", [exited(2, 3n), exited(0, 1n), exited(1, 2n)], "ended ended ended"],
    ["one from the future goes", [exited(0, 9n), exited(1, 2n)], `${CLOCK} ended`],
    ["all that overtake go", [exited(0, 9n), exited(1, 8n), exited(2, 3n)], `${CLOCK} ${CLOCK} ended`],
    ["so does one between", [exited(0, 1n), exited(1, 8n), exited(2, 3n)], `ended ${CLOCK} ended`],
    ["a higher attempt of any age is proof", [exited(0, 5n), exited(1, 3n), exited(2, 9n)], `${CLOCK} ended ended`],
    ["equal dates prove nothing", [exited(0, 5n), exited(1, 5n)], "ended ended"],
    ["one nanosecond proves it", [exited(0, 2n ** 60n + 1n), exited(1, 2n ** 60n)], `${CLOCK} ended`],
    ["equal attempts have no order", [exited(1, 9n), exited(1, 2n, { id: "twin" })], "ended ended"],
    ["the highest attempt never goes", [exited(7, 1n), exited(6, 2n)], `ended ${CLOCK}`],
    [
      "an attempt that wrapped is not taken for the lowest",
      [exited(0, 9n), exited(2 ** 32 - 1, 2n)],
      "ended ended",
    ],
    [
      "half of all attempts apart is too far",
      [exited(0, 9n), exited(2 ** 31, 2n)],
      "ended ended",
    ],
    ["just below that is an order", [exited(0, 9n), exited(2 ** 31 - 1, 2n)], `${CLOCK} ended`],
    ["another container of the pod proves nothing", [exited(0, 9n), exited(1, 2n, { name: "sidecar" })], "ended ended"],
    [
      "nor does another pod of the same name",
      [exited(0, 9n), exited(1, 2n, { pod: { ...WEB, uid: "other" }, sandboxID: "missing" })],
      "ended ended",
    ],
    ["nor a container without labels", [exited(0, 9n), exited(1, 2n, { pod: undefined })], "ended not-kubernetes"],
    ["the other sandboxes of the pod count", [exited(0, 9n, { sandboxID: "not-ready" }), exited(1, 2n)], `${CLOCK} ended`],
    [
      "a running one that overtakes stays, and what it overtook as well",
      [exited(0, 9n, { state: "running" }), exited(1, 2n)],
      "running ended",
    ],
    [
      "a proof may run, or be in a state unheard of",
      [exited(0, 9n), exited(1, 8n, { state: "unrecognized" }), exited(2, 2n, { state: "running" })],
      `${CLOCK} unrecognized-state running`,
    ],
  ])("%s", (_name, containers, expected) => {
    expect(short(containers)).toBe(expected);
  });

  test("a lost date proves nothing, neither of itself nor of others", () => {
    expect(short([exited(0, 0n), exited(1, 2n)])).toBe("date-unknown ended");
    expect(short([exited(0, 9n), exited(1, 0n)])).toBe("ended ended");
    // Go's zero time in nanoseconds.
    expect(short([exited(0, 9n), exited(1, -6_795_364_578_871_345_152n)])).toBe("ended ended");
    // Alone, its date does not matter.
    expect(short([exited(3, 0n)])).toBe("ended");
  });

  test("a date that the status knows counts, and 0 from the status does not", () => {
    const both = [exited(0, 0n), exited(1, 2n)];
    expect(short(both, { dates: new Map([["c0", 9n]]) })).toBe(`${CLOCK} ended`);
    expect(short(both, { dates: new Map([["c0", 1n]]) })).toBe("ended ended");
    expect(short(both, { dates: new Map([["c0", 0n]]) })).toBe("date-unknown ended");
    expect(short([exited(0, 9n), exited(1, 0n)], { dates: new Map([["c1", 2n]]) })).toBe(`${CLOCK} ended`);
  });

  test("a listed date is not overruled", () => {
    expect(short([exited(0, 1n), exited(1, 2n)], { dates: new Map([["c0", 9n]]) })).toBe("ended ended");
  });

  test("the proof is the highest attempt with an earlier date, which does not go by the clock itself", () => {
    const verdict = verdictsAt([0], [exited(0, 9n), exited(1, 5n), exited(2, 3n), exited(3, 12n)]).get("c0");
    expect(verdict).toMatchObject({ kind: "remove", overtaken: { id: "c2" } });
  });
});

describe("what a real kubelet was seen to leave (facts/node-observed.md 3)", () => {
  const dead = { sandboxID: "not-ready" };
  const created = (attempt: number, createdAtNanos: bigint, part: Partial<ContainerSummary> = {}) =>
    container({ id: `app_${attempt}`, attempt, createdAtNanos, ...dead, ...part });
  const ended = (attempt: number, createdAtNanos: bigint, part: Partial<ContainerSummary> = {}) =>
    created(attempt, createdAtNanos, { state: "exited", ...part });
  const short = (containers: readonly ContainerSummary[], part: Partial<DecideContext> = {}) =>
    [...verdictsAt([0], containers, part).values()].map(shortVerdict).join(" ");

  test("CREATED app_0 of its true date pins a dead sandbox: it goes, what runs stays", () => {
    const runs = created(1, 200n, { state: "running", sandboxID: "ready" });
    expect(short([created(0, 100n), runs])).toBe(`${DEAD} running`);
  });

  test("CREATED app_0 from the future before EXITED app_1 goes", () => {
    const verdicts = verdictsAt([0], [created(0, 9_000n), ended(1, 200n)]);
    expect([...verdicts.values()].map(shortVerdict)).toEqual([DEAD, "ended"]);
    expect(reasonOf(verdictOf(verdicts, "app_0"))).toContain(
      "its date is later than that of attempt 1, so kubelet takes it for the newest",
    );
  });

  test("EXITED app_0 from the future goes, although CREATED app_1 holds the name", () => {
    expect(short([ended(0, 9_000n), created(1, 200n, { sandboxID: "ready" })])).toBe(`${CLOCK} seen-too-briefly`);
  });

  test("in a new READY sandbox the one from the future goes when seen twice", () => {
    const containers = [created(0, 9_000n, { sandboxID: "ready" }), ended(1, 200n)];
    expect(shortVerdict(verdictsAt([0], containers).get("app_0"))).toBe("seen-too-briefly");
    expect(shortVerdict(verdictsAt([0, 10_000], containers).get("app_0"))).toBe(READY);
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

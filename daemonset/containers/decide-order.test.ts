import { describe, expect, test } from "vitest";
import type { ContainerSummary } from "../runtime/runtime.ts";
import type { DecideContext } from "./decide.ts";
import { container, shortVerdict, verdictOf, verdictsAt, WEB } from "./fixture.ts";
import { reasonOf } from "./reason.ts";

const DEAD = "created-in-dead-sandbox";
const READY = "created-in-ready-sandbox";
const CLOCK = "clock-inverted";

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
    [
      "a higher attempt of any age is proof",
      [exited(0, 5n), exited(1, 3n), exited(2, 9n)],
      `${CLOCK} ended ended`,
    ],
    ["equal dates prove nothing", [exited(0, 5n), exited(1, 5n)], "ended ended"],
    ["one nanosecond proves it", [exited(0, 2n ** 60n + 1n), exited(1, 2n ** 60n)], `${CLOCK} ended`],
    ["equal attempts have no order", [exited(1, 9n), exited(1, 2n, { id: "twin" })], "ended ended"],
    ["the highest attempt never goes", [exited(7, 1n), exited(6, 2n)], `ended ${CLOCK}`],
    [
      "an attempt that wrapped is not taken for the lowest",
      [exited(0, 9n), exited(2 ** 32 - 1, 2n)],
      "ended ended",
    ],
    ["half of all attempts apart is too far", [exited(0, 9n), exited(2 ** 31, 2n)], "ended ended"],
    ["just below that is an order", [exited(0, 9n), exited(2 ** 31 - 1, 2n)], `${CLOCK} ended`],
    [
      "another container of the pod proves nothing",
      [exited(0, 9n), exited(1, 2n, { name: "sidecar" })],
      "ended ended",
    ],
    [
      "nor does another pod of the same name",
      [exited(0, 9n), exited(1, 2n, { pod: { ...WEB, uid: "other" }, sandboxID: "missing" })],
      "ended ended",
    ],
    [
      "nor a container without labels",
      [exited(0, 9n), exited(1, 2n, { pod: undefined })],
      "ended not-kubernetes",
    ],
    [
      "the other sandboxes of the pod count",
      [exited(0, 9n, { sandboxID: "not-ready" }), exited(1, 2n)],
      `${CLOCK} ended`,
    ],
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
    expect(short([ended(0, 9_000n), created(1, 200n, { sandboxID: "ready" })])).toBe(
      `${CLOCK} seen-too-briefly`,
    );
  });

  test("in a new READY sandbox the one from the future goes when seen twice", () => {
    const containers = [created(0, 9_000n, { sandboxID: "ready" }), ended(1, 200n)];
    expect(shortVerdict(verdictsAt([0], containers).get("app_0"))).toBe("seen-too-briefly");
    expect(shortVerdict(verdictsAt([0, 10_000], containers).get("app_0"))).toBe(READY);
  });
});

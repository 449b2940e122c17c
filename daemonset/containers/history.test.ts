import { describe, expect, test } from "vitest";
import type { ContainerSummary } from "../runtime/runtime.ts";
import { container, look, sandbox, SANDBOXES } from "./fixture.ts";
import { History } from "./history.ts";
import { observationOf } from "./observation.ts";

const RUNTIME = "a";

function seen(times: readonly number[], at: (index: number) => readonly ContainerSummary[]): History {
  const history = new History();
  for (const [index, millis] of times.entries()) history.note(RUNTIME, look(at(index), millis));
  return history;
}

describe("sightings", () => {
  test("count up and span from the first to the last", () => {
    const history = seen([5, 15, 40], () => [container()]);
    expect(history.sightings(RUNTIME, "c0")).toEqual({ count: 3, spanMillis: 35 });
  });

  test("of what was never seen are none", () => {
    expect(seen([1], () => []).sightings(RUNTIME, "c0")).toEqual({ count: 0, spanMillis: 0 });
    expect(new History().sightings("other", "c0")).toEqual({ count: 0, spanMillis: 0 });
  });

  test.each<[string, Partial<ContainerSummary>]>([
    ["state", { state: "unknown" }],
    ["attempt", { attempt: 1 }],
    ["date", { createdAtNanos: 101n }],
    ["sandbox", { sandboxID: "other" }],
  ])("start anew when the %s has changed", (_what, change) => {
    const history = seen([0, 10], (index) => [index === 0 ? container() : container(change)]);
    expect(history.sightings(RUNTIME, "c0")).toEqual({ count: 1, spanMillis: 0 });
  });

  test("start anew when the sandbox's state has changed", () => {
    const history = new History();
    history.note(RUNTIME, look([container()], 0, []));
    history.note(RUNTIME, look([container()], 10, SANDBOXES));
    expect(history.sightings(RUNTIME, "c0")).toEqual({ count: 1, spanMillis: 0 });
    history.note(RUNTIME, look([container()], 20, [sandbox({ state: "not-ready" })]));
    expect(history.sightings(RUNTIME, "c0")).toEqual({ count: 1, spanMillis: 0 });
  });

  test("start anew after one observation without it", () => {
    const history = seen([0, 10, 20], (index) => (index === 1 ? [] : [container()]));
    expect(history.sightings(RUNTIME, "c0")).toEqual({ count: 1, spanMillis: 0 });
  });

  test("of the same ID in two runtimes are apart", () => {
    const history = new History();
    history.note("a", look([container()], 0));
    history.note("b", look([container()], 5));
    history.note("a", look([container()], 10));
    expect(history.sightings("a", "c0")).toEqual({ count: 2, spanMillis: 10 });
    expect(history.sightings("b", "c0")).toEqual({ count: 1, spanMillis: 0 });
  });

  test("do not count the time that a list took as waiting", () => {
    const history = new History();
    const times = [
      { askedAtMillis: 0, listedAtMillis: 8_000, wallNanos: 1n },
      { askedAtMillis: 10_000, listedAtMillis: 19_000, wallNanos: 1n },
    ];
    for (const time of times) history.note(RUNTIME, observationOf(time, [container()], SANDBOXES));
    expect(history.sightings(RUNTIME, "c0").spanMillis).toBe(2_000);
  });
});

describe("memory", () => {
  const many = (count: number, state: ContainerSummary["state"]) =>
    Array.from({ length: count }, (_, index) => container({ id: `${state}-${index}`, state }));

  test("holds nothing for containers that run or have ended", () => {
    const history = seen([0, 10], () => [...many(3_000, "running"), ...many(3_000, "exited")]);
    expect(history.size).toBe(0);
  });

  test("holds one entry for each that may be stuck, however often it is seen", () => {
    const history = seen(
      Array.from({ length: 50 }, (_, index) => index),
      () => [...many(20, "created"), ...many(10, "unknown"), ...many(3_000, "running")],
    );
    expect(history.size).toBe(30);
  });

  test("entries vanish with their containers", () => {
    const history = seen([0, 10], (index) => (index === 0 ? many(3_000, "created") : many(1, "created")));
    expect(history.size).toBe(1);
  });

  test("runtimes vanish when they are no longer given", () => {
    const history = new History();
    history.note("a", look([container()], 0));
    history.note("b", look([container()], 0));
    history.keepRuntimes(["b"]);
    expect(history.sightings("a", "c0").count).toBe(0);
    expect(history.sightings("b", "c0").count).toBe(1);
  });
});

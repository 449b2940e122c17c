import { describe, expect, test } from "vitest";
import { formatDuration, parseDuration } from "./duration.ts";

describe("parseDuration", () => {
  test.each([
    ["90m", 5_400_000],
    ["2h30m", 9_000_000],
    ["45s", 45_000],
    ["7d", 604_800_000],
    ["1.5h", 5_400_000],
    ["250ms", 250],
    ["1h1m1s", 3_661_000],
    ["1ms", 1],
    ["3650d", 315_360_000_000],
  ])("reads %s", (text, millis) => {
    expect(parseDuration(text)).toEqual({ ok: true, millis });
  });

  test.each([
    ["", "expected a duration"],
    ["90", "expected a duration"],
    ["-5m", "expected a duration"],
    ["5 m", "expected a duration"],
    ["m", "expected a duration"],
    ["1h2", "expected a duration"],
    ["1e3s", "expected a duration"],
    ["soon", "expected a duration"],
    ["1h\n", "expected a duration"],
    ["1h".repeat(33), "expected a duration"],
    ["0s", "more than zero"],
    ["0.4ms", "more than zero"],
    ["4000d", "longer than ten years"],
    ["99999999999999999999999h", "longer than ten years"],
  ])("refuses %j and says what it expects", (text, problem) => {
    const parsed = parseDuration(text);
    expect(parsed.ok).toBe(false);
    expect(parsed.ok ? "" : parsed.problem).toContain(problem);
  });

  test("refuses a hostile text at once", () => {
    expect(parseDuration("1".repeat(200_000)).ok).toBe(false);
  });
});

test.each([
  [9_000_000, "2h30m"],
  [45_000, "45s"],
  [604_800_000, "168h"],
  [250, "250ms"],
  [1_000, "1s"],
])("formatDuration writes %d ms as %s", (millis, text) => {
  expect(formatDuration(millis)).toBe(text);
});

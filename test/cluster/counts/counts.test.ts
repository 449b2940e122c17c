import { describe, expect, test } from "vitest";
import { addCounts, isGood, parseReport, renderCounts } from "./counts.ts";

function report(files: readonly { status: string; tests: readonly string[] }[]): string {
  const testResults = files.map(({ status, tests }) => ({
    status,
    assertionResults: tests.map((each) => ({ status: each })),
  }));
  return JSON.stringify({ testResults });
}

describe("a vitest report", () => {
  test.each([
    [
      "counts what passed",
      [{ status: "passed", tests: ["passed", "passed"] }],
      "2 passed, 0 failed, 0 skipped",
    ],
    [
      "counts what failed",
      [{ status: "failed", tests: ["passed", "failed"] }],
      "1 passed, 1 failed, 0 skipped",
    ],
    [
      "counts a file that could not be loaded as a failure",
      [{ status: "failed", tests: [] }],
      "0 passed, 1 failed, 0 skipped",
    ],
    [
      "counts a file whose set-up failed, with all its tests left out, as a failure",
      [{ status: "failed", tests: ["skipped", "skipped"] }],
      "0 passed, 1 failed, 2 skipped",
    ],
    [
      "counts every other state as skipped",
      [{ status: "passed", tests: ["skipped", "pending", "todo", "disabled"] }],
      "0 passed, 0 failed, 4 skipped",
    ],
    [
      "adds up files",
      [
        { status: "passed", tests: ["passed"] },
        { status: "passed", tests: ["passed", "skipped"] },
      ],
      "2 passed, 0 failed, 1 skipped",
    ],
  ])("%s", (_name, files, expected) => {
    expect(renderCounts(parseReport(report(files)))).toBe(expected);
  });

  test.each([
    ["is no JSON", "passed", "not valid JSON"],
    ["has no files", "{}", "testResults: expected a list"],
    [
      "has a file without tests",
      '{"testResults":[{"status":"passed"}]}',
      "assertionResults: expected a list",
    ],
    [
      "has a test without status",
      '{"testResults":[{"status":"passed","assertionResults":[{}]}]}',
      "status: expected text",
    ],
  ])("is refused when it %s", (_name, content, message) => {
    expect(() => parseReport(content)).toThrow(message);
  });
});

describe("a run is good", () => {
  test.each([
    ["when all passed", { passed: 3, failed: 0, skipped: 0 }, true],
    ["not when one failed", { passed: 3, failed: 1, skipped: 0 }, false],
    ["not when one was skipped", { passed: 3, failed: 0, skipped: 1 }, false],
    ["not when nothing ran", { passed: 0, failed: 0, skipped: 0 }, false],
  ])("%s", (_name, counts, expected) => {
    expect(isGood(counts)).toBe(expected);
  });
});

test("totals add every part", () => {
  const total = addCounts([
    { passed: 1, failed: 2, skipped: 3 },
    { passed: 10, failed: 20, skipped: 30 },
  ]);
  expect(total).toEqual({ passed: 11, failed: 22, skipped: 33 });
});

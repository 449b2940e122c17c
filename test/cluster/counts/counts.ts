import { listOf, textOf } from "./report.ts";

/** How a test run ended. A file that could not be loaded counts as one failed test. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** What a part of the tests counts as that ended before it could report. */
export const couldNotRun: Counts = { passed: 0, failed: 1, skipped: 0 };

/** Reads the report of vitest's `json` reporter. Throws naming the field that is missing. */
export function parseReport(content: string): Counts {
  const report: unknown = JSON.parse(content);
  const files = listOf(report, "testResults");
  const tests = files.flatMap((file) => listOf(file, "assertionResults"));
  const statuses = tests.map((test) => textOf(test, "status"));
  const count = (status: string): number => statuses.filter((each) => each === status).length;
  const brokenFiles = files.filter(
    (file) => textOf(file, "status") === "failed" && !listOf(file, "assertionResults").some(hasFailed),
  );
  const passed = count("passed");
  const failed = count("failed");
  // Whatever is neither (skipped, pending, todo, disabled) did not run.
  return { passed, failed: failed + brokenFiles.length, skipped: statuses.length - passed - failed };
}

/** `12 passed, 0 failed, 0 skipped`. */
export function renderCounts({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

export function addCounts(all: readonly Counts[]): Counts {
  return all.reduce(
    (sum, each) => ({
      passed: sum.passed + each.passed,
      failed: sum.failed + each.failed,
      skipped: sum.skipped + each.skipped,
    }),
    { passed: 0, failed: 0, skipped: 0 },
  );
}

/** A run is good only when something ran and all of it passed. */
export function isGood({ passed, failed, skipped }: Counts): boolean {
  return passed > 0 && failed === 0 && skipped === 0;
}

function hasFailed(test: unknown): boolean {
  return textOf(test, "status") === "failed";
}

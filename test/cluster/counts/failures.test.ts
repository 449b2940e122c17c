import { expect, test } from "vitest";
import { parseFailures, renderFailure } from "./failures.ts";

function report(file: object): string {
  return JSON.stringify({
    testResults: [{ name: "/root/a.test.ts", status: "failed", message: "", ...file }],
  });
}

const good = { status: "passed", fullName: "fine", failureMessages: [] };

test("a failed test is named by file and test, with its reason", () => {
  const bad = {
    status: "failed",
    fullName: "group breaks",
    failureMessages: ["Error: 1 is not 2\n    at x"],
  };
  const failures = parseFailures(report({ assertionResults: [good, bad] }), "/root/");
  expect(failures.map(renderFailure)).toEqual([
    "FAILED a.test.ts > group breaks\n  Error: 1 is not 2\n      at x",
  ]);
});

test("a file that could not be loaded is named with what it said", () => {
  const failures = parseFailures(report({ message: "no such module", assertionResults: [] }), "/root/");
  expect(failures).toEqual([{ where: "a.test.ts", why: "no such module" }]);
});

test("a file whose set-up failed is named, though its tests only did not run", () => {
  const skipped = { ...good, status: "skipped" };
  const failures = parseFailures(
    report({ message: "hook timed out", assertionResults: [skipped] }),
    "/root/",
  );
  expect(failures).toEqual([{ where: "a.test.ts", why: "hook timed out" }]);
});

test("what passed is not named", () => {
  expect(parseFailures(report({ status: "passed", assertionResults: [good] }), "/root/")).toEqual([]);
});

test("a long reason is cut", () => {
  const bad = { status: "failed", fullName: "long", failureMessages: ["x".repeat(10_000)] };
  const [failure] = parseFailures(report({ assertionResults: [bad] }), "/root/");
  expect(failure?.why).toHaveLength(2_003);
});

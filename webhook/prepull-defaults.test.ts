import { expect, test } from "vitest";
import { parseReview } from "./parse-review.ts";
import { createPrepullDefaults } from "./prepull-defaults.ts";
import { JOB, jobReviewBody, jobWith } from "./testing/job-review.ts";

function answer(enabled: boolean, body: string) {
  const parsed = parseReview(body);
  if (parsed.kind === "bad" || !("job" in parsed.review)) throw new Error("expected a review of a job");
  return createPrepullDefaults({ enabled })(parsed.review, new AbortController().signal);
}

const FILLED = [
  { op: "add", path: "/spec/imagePrePullTemplate/checkItems", value: ["disk"] },
  { op: "add", path: "/spec/imagePrePullTemplate/failureTolerate", value: "0.1" },
];

test("a new job gets what it does not say", () => {
  const verdict = { kind: "allow", decision: "defaulted", warnings: [], audit: {}, patch: FILLED };
  expect(answer(true, jobReviewBody(JOB))).toEqual(verdict);
});

test.each<[string, boolean, string]>([
  ["switched off", false, jobReviewBody(JOB)],
  ["a job that says everything", true, jobReviewBody(jobWith({ checkItems: ["mem"], failureTolerate: "0" }))],
  ["a job that is there", true, jobReviewBody(JOB, { operation: "UPDATE", oldObject: JOB })],
  ["a job that goes", true, jobReviewBody(null, { operation: "DELETE", oldObject: JOB })],
])("nothing is set: %s", (_name, enabled, body) => {
  expect(answer(enabled, body)).toMatchObject({ kind: "allow", decision: "not-relevant", patch: [] });
});

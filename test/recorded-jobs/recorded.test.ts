/** The reviews of a real kube-apiserver 1.35.4, judged by the webhook. record.ts says how they were recorded. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { isObject, textAt } from "../../kube/json.ts";
import { NO_FACTS } from "../../prepull/facts.ts";
import { isRuleName, RULES } from "../../prepull/rule.ts";
import { parseReview } from "../../webhook/parse-review.ts";
import { createPrepull } from "../../webhook/prepull.ts";
import { CONTROLLER, STEPS } from "./steps.ts";

const prepull = createPrepull({
  settings: { mode: "enforce", warnOnly: new Set(), controllers: new Set([CONTROLLER]) },
  facts: () => NO_FACTS,
});

const recorded = readFileSync(new URL("recording.jsonl", import.meta.url), "utf8")
  .trim()
  .split("\n")
  .map((line): unknown => JSON.parse(line));

test("the recording has every step", () => {
  expect(recorded.map((entry) => textAt(entry, "name"))).toEqual(STEPS.map(({ name }) => name));
});

test.each(STEPS.map((step, at) => ({ ...step, entry: recorded[at] })))(
  "$name: $expected",
  async ({ expected, entry }) => {
    const review = textAt(entry, "review");
    expect(review === undefined ? "server" : await decided(review)).toBe(expected);
  },
);

test("where the API server refuses by itself, nobody is asked", () => {
  const unasked = recorded.filter((entry) => textAt(entry, "review") === undefined);
  expect(unasked.map((entry) => (isObject(entry) ? entry["status"] : 0))).toEqual([422, 422, 422, 422]);
});

test("the match condition lets pass what no rule could refuse, and nothing that one does", () => {
  const passed = STEPS.filter((_, at) => {
    const entry = recorded[at];
    return isObject(entry) && entry["review"] !== null && entry["asked"] !== true;
  });
  expect(passed.map(({ name, expected }) => `${name}: ${expected}`)).toEqual([
    "finalizer by the controller: controller",
    "status by the controller: controller",
    "label: spec-untouched",
    "label on the poisonous job: spec-untouched",
    "delete through v1alpha1: delete",
    "delete the others: delete",
  ]);
});

async function decided(body: string): Promise<string> {
  const parsed = parseReview(body);
  if (parsed.kind === "bad") return parsed.message;
  if (!("job" in parsed.review)) return "no review of a job";
  const verdict = await prepull(parsed.review, new AbortController().signal);
  if (verdict.kind === "allow") return verdict.decision;
  const rules = (verdict.audit["rules"] ?? "").split(",").filter(isRuleName);
  return rules.filter((rule) => RULES[rule].verdict === "refuse").join(" ");
}

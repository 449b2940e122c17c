/** docs/prepull.md, compared with the code: rules, causes, defaults, modes and the messages shown. */
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { decide, type AllowReason, type PrepullSettings } from "../prepull/decide.ts";
import { DOCUMENTED_DEFAULTS } from "../prepull/defaults.ts";
import { CAUSES } from "../prepull/diagnose/diagnosis.ts";
import { NO_FACTS } from "../prepull/facts.ts";
import { rawJob, specWith } from "../prepull/fixture.ts";
import { readJob } from "../prepull/job.ts";
import { refusalText, warningTexts } from "../prepull/message.ts";
import { RULE_GROUPS } from "../prepull/rule.ts";
import { checkSpec } from "../prepull/spec.ts";
import { codeIn, fencesIn, tablesIn, tableWith } from "./markdown.ts";

const page = await readFile(new URL("prepull.md", import.meta.url), "utf8");
const SHOWN = specWith({ images: ["nginx"], timeoutSeconds: -1, nodeNames: ["edge1", "edge1"] });
const shownTexts = fencesIn(page)
  .filter(({ language }) => language === "text")
  .map(({ text }) => text);

test.each(RULE_GROUPS)("the rules under '$title', word for word", ({ title, rules }) => {
  const table = tablesIn(page).find(({ heading }) => heading === title);
  expect(table?.header).toEqual(["rule", "by default", "a job with", "KubeEdge would", "instead"]);
  expect(table?.rows).toEqual(
    Object.entries(rules).map(([name, { verdict, when, effect, example }]) => [
      `\`${name}\``,
      verdict === "refuse" ? "refused" : "warning",
      when,
      effect,
      `\`${example}\``,
    ]),
  );
});

test("every cause, and no other", () => {
  const { rows } = tableWith(page, "cause", "meaning");
  expect(rows).toEqual(Object.entries(CAUSES).map(([cause, meaning]) => [`\`${cause}\``, meaning]));
});

test("the documented defaults", () => {
  const { rows } = tableWith(page, "field", "set where it is", "to");
  expect(rows.map(([field, , value]) => [field, value])).toEqual(
    Object.entries(DOCUMENTED_DEFAULTS).map(([field, { value }]) => [
      `\`${field}\``,
      `\`${JSON.stringify(value)}\``,
    ]),
  );
});

test("the refusal and the warning that are shown", () => {
  const decision = decide(createRequest(SHOWN), settings("enforce"), NO_FACTS);
  const errors = decision.kind === "refuse" ? decision.errors : [];
  expect(shownTexts[0]).toBe(refusalText("pull1", errors));
  expect(shownTexts[1]?.split("\n")).toEqual(warningTexts(decision.warnings));
});

test("what each mode does", () => {
  const { rows } = tableWith(page, "mode", "a rule that refuses", "a rule that warns");
  const [bad, poor] = [specWith({ images: [] }), specWith({ images: ["nginx"] })];
  const told = (mode: PrepullSettings["mode"], spec: unknown): string => {
    const decision = decide(createRequest(spec), settings(mode), NO_FACTS);
    if (decision.kind === "refuse") return "refuses";
    return decision.warnings.length > 0 ? "warns" : "nothing";
  };
  expect(rows).toEqual(
    (["enforce", "warn", "off"] as const).map((mode) => [`\`${mode}\``, told(mode, bad), told(mode, poor)]),
  );
});

/** By type: a reason that is added has to be added here, and then in the manual. */
const DECISIONS: Readonly<Record<AllowReason | "refused", true>> = {
  accepted: true,
  refused: true,
  "spec-untouched": true,
  cure: true,
  controller: true,
  delete: true,
  "mode-warn": true,
  "mode-off": true,
};

test("the decisions that metrics and logs show", async () => {
  const operations = await readFile(new URL("operations.md", import.meta.url), "utf8");
  const row = tableWith(operations, "of", "values").rows.find(([of]) => of === "prepull");
  expect(codeIn(row?.[1] ?? "")).toEqual(Object.keys(DECISIONS));
});

test("the tolerances that the text calls fine are", () => {
  const [, texts = ""] = /ParseFloat reads: (.*?) all pass/s.exec(page) ?? [];
  const values = [...texts.matchAll(/`"([^"]+)"`/g)].map(([, value]) => value);
  expect(values).toHaveLength(3);
  for (const failureTolerate of values) expect(checkSpec(specWith({ failureTolerate })).findings).toEqual([]);
});

function settings(mode: PrepullSettings["mode"]): PrepullSettings {
  return { mode, warnOnly: new Set(), controllers: new Set() };
}

function createRequest(spec: unknown): Parameters<typeof decide>[0] {
  const job = readJob(rawJob({ spec }));
  return { version: "v1alpha2", subresource: "", username: "alice", old: null, job };
}

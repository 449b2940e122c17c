/** docs/operations.md on metrics and alerts, compared with what the code registers and the chart asks. */
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { parse } from "yaml";
import type { LatchDecision } from "../lock/latch.ts";
import type { AllowReason, RefuseReason } from "../lock/decide.ts";
import { createMetrics } from "../webhook/metrics.ts";
import type { FailedOutcome } from "../webhook/review-outcome.ts";
import { codeIn, tableWith } from "./markdown.ts";

const page = await readFile(new URL("operations.md", import.meta.url), "utf8");
const { registry } = createMetrics({ version: "1.2.3", webhooks: ["guard.nodelatch.io"] });

test("every metric of ours is listed with its type and labels, and no other", async () => {
  const { rows } = tableWith(page, "name", "type", "labels", "meaning");
  const ours = (await registry.getMetricsAsJSON()).filter(({ name }) => name.startsWith("nodelatch_"));
  const samples = (await registry.metrics()).split("\n");
  expect(rows.map(([name = "", type, labels = ""]) => [codeIn(name)[0], type, codeIn(labels)])).toEqual(
    ours.map(({ name, type }) => {
      const sample = samples.find((line) => new RegExp(`^${name}(_count)?[ {]`).test(line)) ?? "";
      return [name, String(type), [...sample.matchAll(/([a-z]+)="/g)].map(([, label]) => label)];
    }),
  );
});

test("all others have the prefixes that are named", async () => {
  const others = (await registry.getMetricsAsJSON()).filter(({ name }) => !name.startsWith("nodelatch_"));
  expect(others.length).toBeGreaterThan(10);
  expect(others.filter(({ name }) => !/^(process|nodejs)_/.test(name))).toEqual([]);
  expect(page).toContain("`process_*` and `nodejs_*`");
});

/** The compiler sees to it that none is missing and none too many. */
const ALLOWED = {
  "not-relevant": true,
  acquire: true,
  "by-holder": true,
  "by-agent": true,
  "exempt-deleter": true,
  "request-kept": true,
  expired: true,
  overridden: true,
  "mode-warn": true,
  "mode-off": true,
} satisfies Record<AllowReason, true>;
const LATCHED = {
  left: true,
  stamped: true,
  restamped: true,
  locked: true,
  released: true,
  broken: true,
  tidied: true,
  "bad-value": true,
} satisfies Record<Extract<LatchDecision, { kind: "set" }>["why"] | "left" | "bad-value", true>;
const FAILED = {
  "bad-request": true,
  "too-large": true,
  error: true,
  late: true,
  gone: true,
  overloaded: true,
  draining: true,
} satisfies Record<FailedOutcome["decision"] | "gone" | "overloaded" | "draining", true>;
const REFUSED = {
  "not-holder": true,
  "unknown-holder": true,
  "holder-on-other-node": true,
  "lock-would-stay": true,
  "not-rebooted": true,
  "release-not-by-agent": true,
  "agent-only-releases": true,
  "not-stamped": true,
  "request-forged": true,
  "override-without-reason": true,
  "override-denied": true,
  "override-unanswered": true,
  "override-needs-latch": true,
} satisfies Record<RefuseReason, true>;

test("every value of the label decision is listed, and no other", () => {
  const rows = new Map(
    tableWith(page, "of", "values").rows.map(([of = "", listed = ""]) => [of, codeIn(listed)]),
  );
  expect(rows.get("guard, allowed")).toEqual(Object.keys(ALLOWED));
  expect(rows.get("latch")).toEqual(Object.keys(LATCHED));
  expect(rows.get("no decision")).toEqual(Object.keys(FAILED));
  const refusals = tableWith(page, "decision", "the sentence ends with").rows;
  expect(refusals.map(([decision = ""]) => codeIn(decision)[0])).toEqual(Object.keys(REFUSED));
});

test("the chart's alerts are listed with their expressions and times, and no other", async () => {
  const file = new URL("../charts/nodelatch/templates/webhook/prometheusrule.yaml", import.meta.url);
  const template = (await readFile(file, "utf8"))
    // The release's labels are said in words; `absent` needs the job, so that one shows it.
    .replaceAll("up{ {{- $job -}} }", 'up{job="nodelatch-webhook"}')
    .replaceAll("{ {{- $job -}} }", "")
    .split("\n")
    .filter((line) => !/^\s*\{\{-? /.test(line))
    .map((line) => line.replace(/\{\{.*\}\}/, "x"))
    .join("\n");
  const rules = [...rulesIn(parse(template))];
  const words: Readonly<Record<string, string>> = { "5m": "5 minutes", "10m": "10 minutes", "1h": "1 hour" };
  const shown = tableWith(page, "alert", "expression").rows;
  expect(rules.length).toBeGreaterThan(3);
  expect(shown).toEqual(
    rules.map((rule) => {
      const wait = rule.wait === undefined ? "" : ` for ${words[rule.wait]}`;
      return [`\`${rule.alert}\``, `\`${rule.expression}\`${wait}`];
    }),
  );
});

test.each(["operations.md", "certificates.md", "guard.md"])(
  "every metric named in %s exists",
  async (name) => {
    const text = await readFile(new URL(name, import.meta.url), "utf8");
    const known = (await registry.getMetricsAsJSON()).map((metric) => metric.name);
    const named = [...text.matchAll(/nodelatch_[a-z_]+/g)].map(([metric]) => metric.replace(/_bucket$/, ""));
    expect(named.filter((metric) => !known.includes(metric))).toEqual([]);
  },
);

interface Rule {
  readonly alert: string;
  readonly expression: string;
  readonly wait: string | undefined;
}

function* rulesIn(value: unknown): Generator<Rule> {
  if (typeof value !== "object" || value === null) return;
  const [alert, expression, wait] = ["alert", "expr", "for"].map((key) => textAt(value, key));
  if (alert !== undefined && expression !== undefined) yield { alert, expression, wait };
  else for (const child of Object.values(value)) yield* rulesIn(child);
}

function textAt(value: object, key: string): string | undefined {
  const found: unknown = Reflect.get(value, key);
  return typeof found === "string" ? found : undefined;
}

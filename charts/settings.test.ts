/** The chart and the webhook have to agree on settings, defaults, metrics and the version. */
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { readConfig } from "../webhook/config.ts";
import { createMetrics } from "../webhook/metrics.ts";
import { SETTINGS } from "../webhook/settings.ts";
import { at, chartFile } from "./chart-files.ts";

/** Settings that the chart leaves at their defaults, as its names are fixed, or to webhook.extraArgs. */
const notPassed = [
  "bind-address",
  "kubeconfig",
  "mutating-configuration",
  "namespace", // from POD_NAMESPACE
  "request-deadline", // the API server says how long it waits
  "service-name",
  "validating-configuration",
];

const values: unknown = parse(await chartFile("values.yaml"));
const deployment = await chartFile("templates/webhook/deployment.yaml");
const passed = [...deployment.matchAll(/^\s+- --([a-z-]+)=(.*)$/gm)].map(([, flag = "", value = ""]) => ({
  flag,
  value,
}));

test("the chart passes every setting of the webhook but those left out on purpose, and no other", () => {
  const flags = new Set(passed.map(({ flag }) => flag));
  const known = Object.values(SETTINGS).map(({ flag }) => flag);
  expect([...flags, ...notPassed].sort()).toEqual(known.toSorted());
});

test("the chart's default values are settings the webhook takes, and its own defaults", () => {
  const flags = passed.flatMap(({ flag, value }) => {
    const text = rendered(value);
    return text === undefined ? [] : [`--${flag}=${text}`];
  });
  // The rest is worked out by helper templates, which only Helm renders.
  expect(flags).toHaveLength(passed.length - 9);
  expect(readConfig(flags, {})).toEqual(readConfig([], {}));
});

test("the names left to the webhook's defaults are those of the chart's templates", async () => {
  const helpers = await chartFile("templates/_helpers.tpl");
  expect(helpers).toContain(`"nodelatch.name" -}}${SETTINGS.validatingConfiguration.fallback}{{`);
  expect(helpers).toContain(`"nodelatch.name" -}}${SETTINGS.mutatingConfiguration.fallback}{{`);
  expect(helpers).toContain(`"nodelatch.webhook" -}}${SETTINGS.serviceName.fallback}{{`);
  expect(helpers).toContain(`\n${SETTINGS.certSecret.fallback}\n`);
});

test("every metric in the alerts is one the webhook has", async () => {
  const rules = await chartFile("templates/webhook/prometheusrule.yaml");
  const { registry } = createMetrics({ version: "0.1.0", webhooks: ["guard.nodelatch.io"] });
  const shown = await registry.metrics();
  const named = [...rules.matchAll(/nodelatch_[a-z_]+/g)].map(([name]) => name);
  expect(named.length).toBeGreaterThan(3);
  // A series, not only a HELP line: an alert on a series that appears late can't see its first increase.
  expect(named.filter((name) => !new RegExp(`^${name}[ {]`, "m").test(shown))).toEqual([]);
});

test("chart and package have one version", async () => {
  const chart: unknown = parse(await chartFile("Chart.yaml"));
  const manifest: unknown = JSON.parse(await readFile(new URL("../package.json", import.meta.url), "utf8"));
  const version = at(manifest, "version");
  expect([at(chart, "version"), at(chart, "appVersion")]).toEqual([version, version]);
});

/** What Helm makes of plain text and of the expressions that only look up or join values; else undefined. */
function rendered(template: string): string | undefined {
  if (!template.includes("{{")) return template;
  const found =
    /^\{\{ (?:(join ",") |ternary "([a-z-]+)" "([a-z-]+)" )?(?:\.Values|(\$w))\.([A-Za-z.]+) \}\}(\w*)$/.exec(
      template,
    );
  if (found === null) return undefined;
  const [, join, yes = "", no = "", ofWebhook, path = "", suffix = ""] = found;
  const value = at(values, ...(ofWebhook === undefined ? [] : ["webhook"]), ...path.split("."));
  if (join !== undefined) return Array.isArray(value) ? value.join(",") : undefined;
  if (yes !== "") return value === true ? yes : no;
  return `${String(value)}${suffix}`;
}

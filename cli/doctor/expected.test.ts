import { expect, test } from "vitest";
import { registrations } from "../../test/simulated/registrations.ts";
import { EXPECTED } from "./expected.ts";
import { judgeRegistration } from "./registration.ts";

const NOW = Date.parse("2026-11-21T12:00:00Z");
const charts = await registrations("nodelatch-system", "nodelatch-webhook");

const configurationOf = (kind: string): Record<string, unknown> => {
  const found = charts.find((one) => one.kind === kind);
  if (found === undefined) throw new Error(`the chart has no ${kind}`);
  return { ...found };
};

const judge = (expected: (typeof EXPECTED)[number], configuration: Record<string, unknown> | undefined) =>
  judgeRegistration({
    configuration,
    expected,
    namespace: "nodelatch-system",
    secretCa: undefined,
    nowMillis: NOW,
  });

test.each(EXPECTED.map((expected) => [expected.name, expected] as const))(
  "%s is expected as the chart registers it",
  (_name, expected) => {
    expect(judge(expected, configurationOf(expected.kind))[0]).toMatchObject({ level: "ok" });
  },
);

const [guard] = EXPECTED;

test.each<[string, (entry: Record<string, unknown>) => Record<string, unknown>, string]>([
  [
    "a policy that fails open",
    (entry) => ({ ...entry, failurePolicy: "Ignore" }),
    "failurePolicy is Ignore, expected Fail",
  ],
  ["no conditions", (entry) => ({ ...entry, matchConditions: [] }), "matchCondition locked is missing"],
  [
    "another expression",
    (entry) => ({ ...entry, matchConditions: [{ name: "locked", expression: "false" }] }),
    "matchCondition locked has another expression",
  ],
  [
    "one more condition",
    (entry) => ({ ...entry, matchConditions: [{ name: "never", expression: "false" }] }),
    "matchCondition never is extra",
  ],
  [
    "rules of less",
    (entry) => ({ ...entry, rules: [{ resources: ["nodes"], operations: ["*"] }] }),
    "of nodes/status",
  ],
  [
    "a selector",
    (entry) => ({ ...entry, objectSelector: { matchLabels: { a: "b" } } }),
    "objectSelector is set",
  ],
  [
    "another service",
    (entry) => ({ ...entry, clientConfig: { service: { namespace: "x", path: "/guard" } } }),
    "clientConfig.service.namespace is x, expected nodelatch-system",
  ],
])("%s is drift", (_what, change, words) => {
  if (guard === undefined) throw new Error("no guard");
  const configuration = configurationOf(guard.kind);
  const list = configuration["webhooks"];
  const webhooks = (Array.isArray(list) ? list : []).map((entry: Record<string, unknown>) => change(entry));
  const [found] = judge(guard, { ...configuration, webhooks });
  expect(found?.level).toBe("fail");
  expect(found?.text).toContain(words);
});

test("a configuration or an entry that is missing is told with what it means", () => {
  if (guard === undefined) throw new Error("no guard");
  expect(judge(guard, undefined)).toMatchObject([{ level: "fail" }]);
  expect(judge(guard, { webhooks: [] })[0]?.text).toContain("anybody can uncordon a locked node");
});

test("what a cluster may do without is mentioned, and may be let pass while the webhook is down", () => {
  const prepull = EXPECTED.find(({ name }) => name === "prepull.nodelatch.io");
  if (prepull === undefined) throw new Error("no prepull");
  expect(judge(prepull, { webhooks: [] })).toMatchObject([{ level: "info" }]);
  const configuration = configurationOf(prepull.kind);
  const list = configuration["webhooks"];
  const entries = (Array.isArray(list) ? list : []).map((entry: Record<string, unknown>) => ({ ...entry }));
  const ignoring = entries.map((entry) => ({ ...entry, failurePolicy: "Ignore" }));
  expect(judge(prepull, { ...configuration, webhooks: ignoring })[0]).toMatchObject({ level: "ok" });
  const narrowed = entries.map((entry) => ({ ...entry, matchConditions: [] }));
  expect(judge(prepull, { ...configuration, webhooks: narrowed })[0]).toMatchObject({ level: "fail" });
});

test("a tool's entry may be left out, but where it is it fails closed", () => {
  const tools = EXPECTED.find(({ name }) => name === "latch-tools.nodelatch.io");
  if (tools === undefined) throw new Error("no latch-tools");
  expect(judge(tools, { webhooks: [] })).toMatchObject([{ level: "info" }]);
  const configuration = configurationOf(tools.kind);
  const list = configuration["webhooks"];
  const webhooks = (Array.isArray(list) ? list : []).map((entry: Record<string, unknown>) => ({
    ...entry,
    failurePolicy: "Ignore",
  }));
  const [found] = judge(tools, { ...configuration, webhooks });
  expect(found).toMatchObject({ level: "fail" });
  expect(found?.text).toContain("failurePolicy is Ignore, expected Fail");
});

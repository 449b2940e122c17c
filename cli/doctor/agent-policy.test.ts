import { expect, test } from "vitest";
import { judgeAgentPolicy, type AgentPolicy } from "./agent-policy.ts";

const policy = { spec: { failurePolicy: "Fail" } };
const bound = (part: object = {}): AgentPolicy["binding"] => ({
  spec: { policyName: "nodelatch-agent", validationActions: ["Deny"], ...part },
});
const judge = (value: AgentPolicy) => judgeAgentPolicy({ kind: "known", value }, true);

test("a policy that is bound is well", () => {
  expect(judge({ policy, binding: bound() })).toMatchObject([{ level: "ok" }]);
});

test.each<[AgentPolicy, string]>([
  [{ policy: undefined, binding: bound() }, "there is no ValidatingAdmissionPolicy nodelatch-agent"],
  [{ policy, binding: undefined }, "is not bound with Deny"],
  [{ policy, binding: bound({ validationActions: ["Audit"] }) }, "is not bound with Deny"],
  [{ policy, binding: bound({ policyName: "x" }) }, "is not bound with Deny"],
  [{ policy, binding: bound({ matchResources: {} }) }, "for some objects only"],
  [{ policy: { spec: { failurePolicy: "Ignore" } }, binding: bound() }, "failurePolicy is Ignore"],
])("%j is warned of", (found, words) => {
  const [only] = judge(found);
  expect(only?.level).toBe("warn");
  expect(only?.text).toContain(words);
});

test("without agents nothing is said; what may not be read is skipped", () => {
  expect(
    judgeAgentPolicy({ kind: "known", value: { policy: undefined, binding: undefined } }, false),
  ).toEqual([]);
  const unread = { kind: "unknown", why: "forbidden", isForbidden: true } as const;
  expect(judgeAgentPolicy(unread, true)).toMatchObject([{ level: "skip", text: "forbidden" }]);
});

import { describe, expect, test } from "vitest";
import { judgeOwnPolicy, PROGRAMS, type OwnPolicy } from "./own-policies.ts";

test("agent and webhook have one each", () => {
  expect(PROGRAMS.map(({ name, check }) => [name, check])).toEqual([
    ["nodelatch-agent", "agent-policy"],
    ["nodelatch-webhook", "webhook-policy"],
  ]);
});

describe.each(PROGRAMS)("$check", (program) => {
  const policy = { spec: { failurePolicy: "Fail" } };
  const bound = (part: object = {}): OwnPolicy["binding"] => ({
    spec: { policyName: program.name, validationActions: ["Deny"], ...part },
  });
  const judge = (part: Partial<OwnPolicy> = {}) => {
    const value = { isNeeded: true, policy, binding: bound(), ...part };
    return judgeOwnPolicy(program, { kind: "known", value });
  };

  test("one that is bound is well", () => {
    expect(judge()).toEqual([{ level: "ok", check: program.check, text: program.kept }]);
  });

  test.each<[Partial<OwnPolicy>, string]>([
    [{ policy: undefined }, `there is no ValidatingAdmissionPolicy ${program.name}`],
    [{ binding: undefined }, "is not bound with Deny"],
    [{ binding: bound({ validationActions: ["Audit"] }) }, "is not bound with Deny"],
    [{ binding: bound({ policyName: "x" }) }, "is not bound with Deny"],
    [{ binding: bound({ matchResources: {} }) }, "for some objects only"],
    [{ policy: { spec: { failurePolicy: "Ignore" } } }, "failurePolicy is Ignore"],
  ])("%j is warned of", (found, words) => {
    const [only] = judge(found);
    expect(only?.level).toBe("warn");
    expect(only?.text).toContain(words);
    expect(only?.text).toContain(`, so ${program.else}`);
  });

  test("without the right to patch nodes nothing is said; what may not be read is skipped", () => {
    expect(judge({ isNeeded: false, policy: undefined, binding: undefined })).toEqual([]);
    const unread = { kind: "unknown", why: "forbidden", isForbidden: true } as const;
    expect(judgeOwnPolicy(program, unread)).toMatchObject([{ level: "skip", text: "forbidden" }]);
  });
});

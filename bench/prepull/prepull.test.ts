import { describe, expect, test } from "vitest";
import { decide } from "../../prepull/decide.ts";
import { NO_FACTS } from "../../prepull/facts.ts";
import { readJob } from "../../prepull/job.ts";
import { manyFacts, NODES } from "./cluster-nodes.ts";
import { badJob, goodJobs, job, nodeNames } from "./jobs.ts";
import { policy } from "./policy.ts";
import { reportOf } from "./report.ts";

const settings = { mode: "enforce", warnOnly: new Set<never>(), controllers: new Set<string>() } as const;

function decided(body: object, facts = NO_FACTS) {
  const request = { version: "v1alpha2", subresource: "", username: "u", old: null, job: readJob(body) };
  return decide(request, settings, facts);
}

test("the good job is accepted without a word, also by the nodes' state; the bad one is refused", () => {
  const facts = manyFacts();
  expect(facts.nodes?.size).toBe(NODES);
  const labels = [...(facts.nodes?.values() ?? [])].reduce((sum, node) => sum + node.labels.size, 0);
  expect(labels).toBe(50_000);
  const good = job("nodelatch", nodeNames(20));
  expect(decided(good, facts)).toEqual({ kind: "allow", why: "accepted", warnings: [] });
  expect(decided(job("nodelatch", nodeNames(20), -1))).toMatchObject({ kind: "refuse" });
});

describe("an answer", () => {
  test("that is no created job ends the run", () => {
    const requests = goodJobs("policy");
    expect(() => requests.check({ status: 201, body: Buffer.from("{}") })).not.toThrow();
    expect(() => requests.check({ status: 422, body: Buffer.from("no") })).toThrow("policy: expected 201");
  });

  test.each([
    ["nothing", 201, '{"kind":"ImagePrePullJob"}'],
    ["policy", 422, "ValidatingAdmissionPolicy 'prepull-bench' with binding"],
    ["nodelatch", 422, String.raw`{"message":"admission webhook \"prepull.nodelatch.io\" denied"}`],
  ] as const)("to the bad job shows that %s judges", (name, status, text) => {
    const answer = { status, body: Buffer.from(text) };
    expect(badJob(name).isAnswered(answer)).toBe(true);
    expect(badJob(name).isAnswered({ ...answer, status: 500 })).toBe(false);
    const other = name === "nothing" ? "policy" : "nothing";
    expect(badJob(other).isAnswered(answer)).toBe(false);
  });
});

test("the policy has a message for each rule", () => {
  const [first] = policy();
  expect(JSON.stringify(first?.body)).toContain("timeoutSeconds: 0 to 4294967295");
});

test("the report says what is added to nothing", () => {
  const rounds = [
    new Map([
      ["nothing", [2, 2, 2]],
      ["policy", [3, 3, 3]],
      ["nodelatch", [5, 5, 5]],
    ]),
  ];
  const large = { latenciesMillis: [10, 10], bytes: 7 };
  const { result, text } = reportOf({ rounds, large, advice: { selector: [1], names: [2] }, resident: 99 });
  expect(result).toMatchObject({ ratio: 3, ours: 3, reference: 1, n: 3, large: { p99: 10 } });
  expect(text).toContain("99 MiB");
});

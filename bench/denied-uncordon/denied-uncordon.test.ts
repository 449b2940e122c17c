import { describe, expect, test } from "vitest";
import { ANSWERERS, nodeOf, WEBHOOKS, type Answerer, type AnswererName } from "./answerers.ts";
import { checkCalls } from "./calls.ts";
import { everyRegistration } from "./registrations.ts";
import { reportOf } from "./report.ts";
import type { Turn } from "./round.ts";
import { uncordonRequests } from "./uncordon.ts";

function answerer(name: AnswererName): Answerer {
  const found = ANSWERERS.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no answerer ${name}`);
  return found;
}

const denial = (webhook: string) => ({
  status: 403,
  body: Buffer.from(
    JSON.stringify({ kind: "Status", message: `admission webhook "${webhook}" denied the request: locked` }),
  ),
});
const node = (spec: object) => ({ status: 200, body: Buffer.from(JSON.stringify({ kind: "Node", spec })) });

describe("an answer", () => {
  test("of the webhook that was asked is taken", () => {
    const requests = uncordonRequests(answerer("nodelatch"), { dryRun: false });
    expect(() => requests.check(denial(WEBHOOKS.guard))).not.toThrow();
  });

  test.each([
    ["another webhook's denial", "nodelatch", denial(WEBHOOKS.goGuard)],
    ["a denial by RBAC", "nodelatch", { status: 403, body: Buffer.from('{"message":"nodes is forbidden"}') }],
    ["a webhook that could not be called", "go", { ...denial(WEBHOOKS.goGuard), status: 500 }],
    ["an uncordon that went through", "nodelatch", node({})],
    ["a node that is still cordoned, of nothing", "nothing", node({ unschedulable: true })],
    ["a denial, of nothing", "nothing", denial(WEBHOOKS.guard)],
  ] as const)("that is %s ends the run", (_what, name, answer) => {
    const requests = uncordonRequests(answerer(name), { dryRun: false });
    expect(() => requests.check(answer)).toThrow(`${name}: expected`);
  });

  test("of nothing is the uncordoned node", () => {
    const requests = uncordonRequests(answerer("nothing"), { dryRun: false });
    expect(() => requests.check(node({ taints: [] }))).not.toThrow();
  });
});

test.each(ANSWERERS.map(({ name }) => name))(
  "the uncordon of %s is dry only where nobody refuses it",
  (name) => {
    const requests = uncordonRequests(answerer(name), { dryRun: false });
    const text = Buffer.from(requests.next()).toString();
    expect(text).toContain(`PATCH /api/v1/nodes/${nodeOf(name)}?`);
    expect(text.includes("dryRun=All")).toBe(name === "nothing");
  },
);

describe("calls that the API server counts", () => {
  const none = new Map<string, number>();
  const requests = new Map([
    [answerer("nodelatch"), 3],
    [answerer("go-guard"), 2],
  ]);
  const right = new Map([
    [WEBHOOKS.guard, 3],
    [WEBHOOKS.latch, 3],
    [WEBHOOKS.goGuardAlone, 2],
  ]);

  test("are one of each registered webhook for each request", () => {
    expect(() => checkCalls(none, new Map<string, number>(right), requests)).not.toThrow();
  });

  test.each([
    ["missing", WEBHOOKS.latch, 2],
    ["made twice", WEBHOOKS.guard, 4],
    ["made to another webhook", WEBHOOKS.goGuard, 1],
  ])("end the run when one is %s", (_what, webhook, count) => {
    const after = new Map<string, number>(right).set(webhook, count);
    expect(() => checkCalls(none, after, requests)).toThrow(`${webhook}: expected`);
  });
});

test("both programs are registered alike: same rules and conditions, each for its own nodes", async () => {
  const address = (port: number) => ({ url: `https://127.0.0.1:${port}`, caPem: "CA" });
  const posted = await everyRegistration(address(1), address(2));
  const text = (path: string, name: string): string => {
    const found = posted.find((each) => {
      const body = JSON.stringify(each.body);
      return each.path.endsWith(path) && body.includes(`"metadata":{"name":"${name}"}`);
    });
    return JSON.stringify(found?.body);
  };
  for (const path of ["/validatingwebhookconfigurations", "/mutatingwebhookconfigurations"]) {
    const asGo = text(path, "nodelatch")
      .replaceAll(".nodelatch.io", ".go.example")
      .replaceAll(`:1/`, `:2/`)
      .replaceAll(`"nodelatch"`, `"go"`)
      .replaceAll("bench.go.example", "bench.nodelatch.io");
    expect(text(path, "go")).toBe(asGo);
    expect(asGo).toContain("matchConditions");
  }
});

test("the report compares added medians and leaves the guards alone beside it", () => {
  const added: Readonly<Record<AnswererName, number>> = {
    nothing: 0,
    policy: 0.5,
    go: 4,
    nodelatch: 3,
    "go-guard": 2,
    "nodelatch-guard": 1,
  };
  const turns = [1, 16].flatMap((concurrency) =>
    ANSWERERS.map(({ name }): Turn => ({
      answerer: name,
      concurrency,
      latenciesMillis: [10 * concurrency + added[name]],
      cpuMicros: name === "nothing" || name === "policy" ? undefined : 100,
    })),
  );
  const { result } = reportOf([turns, turns], { nodeBytes: 20_000, resident: { nodelatch: 80, go: 16 } });
  expect(result).toMatchObject({
    name: "denied-uncordon",
    ratio: 0.75,
    ours: 3,
    reference: 4,
    n: 2,
    rounds: 2,
  });
  expect(result["quartiles"]).toEqual([0.75, 0.75, 0.75]);
  expect(result["guardAlone"]).toMatchObject({ ratio: 0.5, ours: 1, reference: 2 });
  expect(result["at16"]).toMatchObject({ ratio: 0.75 });
  expect(result["baseP50"]).toBe(10);
});

import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { makeAccessReviews, type AccessAnswer } from "./access-reviews.ts";
import { objectAt, textAt } from "./json.ts";
import { ApiServer, status, type ApiAnswer } from "./testing/api-server.ts";

const signal = new AbortController().signal;
const server = await new ApiServer(() => ({ status: 201, json: {} })).listen();
const kube = await server.connect();
const reviews = makeAccessReviews(kube, { timeoutMillis: 60_000 });
/** For an answer that does not come. */
const hasty = makeAccessReviews(kube, { timeoutMillis: 2_000 });

afterAll(async () => {
  await kube.close();
  await server.close();
});
beforeEach(() => {
  server.requests.length = 0;
});

const caller = {
  username: "system:serviceaccount:ns:ops",
  uid: "u-1",
  groups: ["system:authenticated"],
  extra: {
    "authentication.kubernetes.io/node-name": ["n1"],
    "Scopes.Example.io/X": ["a"],
    "scopes.example.io/x": ["b"],
  },
};

async function ask(answer: ApiAnswer): Promise<AccessAnswer> {
  server.answer = () => answer;
  return (answer === "silence" ? hasty : reviews).mayOverride(caller, "n1", signal);
}

function said(statusPart: unknown): ApiAnswer {
  return { status: 201, json: { kind: "SubjectAccessReview", status: statusPart } };
}

test("the question names the caller whole, the node and the verb, with extra keys in lower case", async () => {
  await ask(said({ allowed: true }));
  expect(server.requests[0]).toMatchObject({
    method: "POST",
    path: "/apis/authorization.k8s.io/v1/subjectaccessreviews",
    body: {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SubjectAccessReview",
      spec: {
        user: "system:serviceaccount:ns:ops",
        uid: "u-1",
        groups: ["system:authenticated"],
        extra: { "authentication.kubernetes.io/node-name": ["n1"], "scopes.example.io/x": ["a", "b"] },
        resourceAttributes: { group: "nodelatch.io", resource: "rebootlocks", verb: "override", name: "n1" },
      },
    },
  });
});

test.each<[string, unknown, AccessAnswer]>([
  [
    "yes",
    { allowed: true, reason: "RBAC: allowed by ops" },
    { kind: "allowed", reason: "RBAC: allowed by ops" },
  ],
  ["no", { allowed: false }, { kind: "denied", reason: "" }],
  ["a firm no", { allowed: false, denied: true, reason: "never" }, { kind: "denied", reason: "never" }],
  ["yes and no at once", { allowed: true, denied: true }, { kind: "denied", reason: "" }],
  [
    "no with a failed authorizer",
    { allowed: false, reason: "no rule", evaluationError: "webhook down" },
    { kind: "denied", reason: "no rule; webhook down" },
  ],
])("an answer of %s is taken as it is", async (_name, statusPart, expected) => {
  expect(await ask(said(statusPart))).toEqual(expected);
});

test.each<[string, ApiAnswer]>([
  ["no status", said(undefined)],
  ["allowed as a text", said({ allowed: "true" })],
  ["a page", { status: 200, text: "<html>" }],
  ["forbidden to us", status(403, "Forbidden", "may not create subjectaccessreviews")],
  ["silence", "silence"],
  ["a cut connection", "cut"],
])("an answer of %s is unknown, with its cause, and never a yes", async (_name, answer) => {
  const found = await ask(answer);
  expect(found.kind).toBe("unknown");
  expect(found.reason).not.toBe("");
  expect("cause" in found && found.cause instanceof Error).toBe(true);
});

test("a connection lost once is forgiven", async () => {
  let calls = 0;
  server.answer = () => {
    calls += 1;
    return calls === 1 ? "cut" : said({ allowed: true });
  };
  expect(await reviews.mayOverride(caller, "n1", signal)).toEqual({ kind: "allowed", reason: "" });
});

test("a caller that gives up gets an unknown at once", async () => {
  server.answer = () => "silence";
  expect((await reviews.mayOverride(caller, "n1", AbortSignal.abort())).kind).toBe("unknown");
});

describe("whether a user may write a node", () => {
  const bob = { username: "bob", groups: ["ops"] };
  /** Answers yes to these verbs only. */
  const allowing = (...verbs: string[]) => {
    server.answer = ({ body }) => said({ allowed: verbs.includes(verbOf(body)) });
  };

  test("asks for the right to patch that node, with name and groups as they were kept", async () => {
    allowing("patch");
    expect(await reviews.mayWriteNode(bob, "n1", signal)).toEqual({ kind: "allowed", reason: "" });
    expect(server.requests.map(({ body }) => body)).toMatchObject([
      {
        spec: {
          user: "bob",
          groups: ["ops"],
          resourceAttributes: { group: "", resource: "nodes", verb: "patch", name: "n1" },
        },
      },
    ]);
  });

  test("who may update it but not patch it may write it", async () => {
    allowing("update");
    expect(await reviews.mayWriteNode(bob, "n1", signal)).toEqual({ kind: "allowed", reason: "" });
  });

  test("who may do neither may not", async () => {
    allowing("get", "override");
    expect(await reviews.mayWriteNode(bob, "n1", signal)).toEqual({ kind: "denied", reason: "" });
    expect(server.requests).toHaveLength(2);
  });

  test("no answer to the first question is unknown, and the second is not asked", async () => {
    server.answer = () => status(503, "ServiceUnavailable", "later");
    expect(await reviews.mayWriteNode(bob, "n1", signal)).toMatchObject({ kind: "unknown" });
    expect(server.requests.map(({ body }) => verbOf(body))).not.toContain("update");
  });

  test("no answer to the second question is unknown", async () => {
    server.answer = ({ body }) => (verbOf(body) === "patch" ? said({ allowed: false }) : "silence");
    expect(await hasty.mayWriteNode(bob, "n1", signal)).toMatchObject({ kind: "unknown" });
  });
});

function verbOf(body: unknown): string {
  return textAt(objectAt(objectAt(body, "spec"), "resourceAttributes"), "verb") ?? "";
}

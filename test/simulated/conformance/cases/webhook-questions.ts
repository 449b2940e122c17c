/** Which configurations are taken, and what a webhook is asked by which request. */
import type { JsonObject } from "../../objects/json.ts";
import { nodeFixture } from "../../node-fixture.ts";
import { get, MERGE, patch, post, remove, STRATEGIC } from "../step.ts";
import type { Step } from "../step.ts";
import { label, MUTATING, VALIDATING, W1 } from "./registration.ts";
import type { Registration } from "./registration.ts";

const NODES = "/api/v1/nodes";
const TRIAL = `${VALIDATING}?dryRun=All`;

const both = { url: "https://x/", service: { name: "a", namespace: "b" } };
const condition = (expression: string): JsonObject => ({ matchConditions: [{ name: "a", expression }] });
const REFUSED: readonly [string, JsonObject][] = [
  ["a webhook without side effects class", { sideEffects: null }],
  ["a webhook with side effects", { sideEffects: "Some" }],
  ["a webhook with a short name", { name: "guard" }],
  ["a timeout of 31 s", { timeoutSeconds: 31 }],
  ["an unknown failure policy", { failurePolicy: "Maybe" }],
  ["both url and service", { clientConfig: both }],
  ["neither url nor service", { clientConfig: {} }],
  ["a condition that yields text", condition("'x'")],
];
/** Refused too, but here in fewer words. */
const REFUSED_BRIEFLY: readonly [string, JsonObject][] = [
  ["a webhook of an unknown review version", { admissionReviewVersions: ["v7"] }],
  ["a plain http url", { clientConfig: { url: "http://127.0.0.1/" } }],
  ["a broken condition", condition("object.x ==")],
  ["a condition with has() on an index", condition("has(object.a['b'])")],
  ["a condition with an unknown variable", condition("objekt == null")],
];

export function webhookQuestions({ hook, validating, mutating }: Registration): readonly Step[] {
  return [
    post("creates w1", NODES, nodeFixture({ name: "w1", bootID: "boot" })),
    ...REFUSED.map(([what, more]) => post(`refuses ${what}`, TRIAL, validating(hook("allow", more)))),
    ...REFUSED_BRIEFLY.map(([what, more]) =>
      post(`refuses ${what}`, TRIAL, validating(hook("allow", more)), { loose: "the real server says more" }),
    ),
    post("takes the guard with its defaults", VALIDATING, validating(hook("allow")), {
      settles: true,
    }),
    post("takes a mutating configuration", MUTATING, mutating(), { settles: true }),
    get("has given the mutating configuration a generation", `${MUTATING}/test`),

    patch("asks about a patch", W1, STRATEGIC, { spec: { unschedulable: true } }),
    patch("asks about a status patch", `${W1}/status`, MERGE, { status: { phase: "Running" } }),
    patch(
      "asks about a trial, with its options",
      `${W1}?dryRun=All&fieldManager=me&fieldValidation=Strict`,
      MERGE,
      { spec: { unschedulable: null } },
    ),
    patch("asks about a change by another", W1, MERGE, label("bob"), { user: "bob" }),
    patch("asks about a played user", W1, MERGE, label("kured"), {
      headers: {
        "impersonate-user": "system:serviceaccount:kube-system:kured",
        "impersonate-group": "system:masters",
        "impersonate-extra-authentication.kubernetes.io%2fnode-name": "w1",
      },
    }),
    patch("asks even if nothing changes", W1, MERGE, label("kured")),
    post("asks about a new node", NODES, {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: "w2", labels: { g: "w" } },
    }),
    post("asks before it finds that a node exists", NODES, nodeFixture({ name: "w1", bootID: "boot" })),
    patch(
      "does not ask about what is invalid",
      W1,
      MERGE,
      { metadata: { labels: { a: "not ok" } } },
      {
        loose: "the real server adds examples and a regular expression",
      },
    ),
    patch("does not ask about what is stale", W1, MERGE, { metadata: { resourceVersion: "1" } }),
    remove("asks about a trial delete", `${NODES}/w2`, { dryRun: ["All"] }),
    remove(
      "asks about a delete with options",
      `${NODES}/w2?gracePeriodSeconds=5&propagationPolicy=Background&dryRun=All`,
    ),
    remove("asks about a collection without a name", `${NODES}?labelSelector=g%3Dw`),
    get("does not ask about reading", `${NODES}?labelSelector=g%3Dw`),
  ];
}

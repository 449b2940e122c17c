/** Who may: refusals, reviews, impersonation. bob may get, list and patch nodes and nothing else. */
import { get, MERGE, patch, post, remove } from "../step.ts";
import type { Step } from "../step.ts";
import type { JsonObject } from "../../objects/json.ts";

const NODES = "/api/v1/nodes";
const REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
const SELF = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
const WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

const review = (kind: string, spec: JsonObject): JsonObject => ({
  apiVersion: "authorization.k8s.io/v1",
  kind,
  spec,
});
const whoAmI: JsonObject = { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" };
const override = { verb: "override", group: "nodelatch.io", resource: "rebootlocks", name: "n1" };

export const accessSteps: readonly Step[] = [
  get("refuses a request without credentials", NODES, { user: "nobody" }),
  get("lets bob list nodes", `${NODES}?fieldSelector=metadata.name%3Dnone`, { user: "bob" }),
  remove("refuses bob's delete", `${NODES}/n1`, undefined, { user: "bob" }),
  patch("refuses bob's patch of a status", `${NODES}/n1/status`, MERGE, {}, { user: "bob" }),
  get("refuses bob's look at secrets", "/api/v1/namespaces/default/secrets", { user: "bob" }),
  get("refuses bob's look at leases", "/apis/coordination.k8s.io/v1/namespaces/default/leases/x", {
    user: "bob",
  }),
  get("refuses bob's look at metrics", "/metrics", { user: "bob" }),
  post(
    "says that bob may patch nodes",
    REVIEWS,
    review("SubjectAccessReview", {
      user: "bob",
      groups: ["dev"],
      resourceAttributes: { verb: "patch", resource: "nodes" },
    }),
    { loose: "RBAC says why" },
  ),
  post(
    "says that bob may not override",
    REVIEWS,
    review("SubjectAccessReview", {
      user: "bob",
      groups: ["dev"],
      resourceAttributes: override,
    }),
  ),
  post(
    "says that system:masters may do anything",
    REVIEWS,
    review("SubjectAccessReview", {
      user: "root",
      groups: ["system:masters"],
      resourceAttributes: override,
    }),
  ),
  post("refuses a review that asks nothing", REVIEWS, review("SubjectAccessReview", { user: "bob" })),
  post("refuses bob's review of others", REVIEWS, review("SubjectAccessReview", { user: "bob" }), {
    user: "bob",
  }),
  post(
    "answers bob about himself",
    SELF,
    review("SelfSubjectAccessReview", {
      resourceAttributes: { verb: "get", resource: "nodes" },
    }),
    { user: "bob", loose: "RBAC says why" },
  ),
  post("tells bob who he is", WHO, whoAmI, { user: "bob" }),
  post("tells admin who they play", WHO, whoAmI, {
    headers: {
      "impersonate-user": "system:serviceaccount:kube-system:kured",
      "impersonate-extra-authentication.kubernetes.io%2fnode-name": "n1",
    },
  }),
  post("tells admin which group they play", WHO, whoAmI, {
    headers: { "impersonate-user": "carol", "impersonate-group": "dev", "impersonate-uid": "7" },
  }),
  get("refuses bob's impersonation", NODES, { user: "bob", headers: { "impersonate-user": "admin" } }),
  get("refuses bob's impersonation of a service account", NODES, {
    user: "bob",
    headers: { "impersonate-user": "system:serviceaccount:kube-system:kured" },
  }),
  get("refuses a group without a user", NODES, {
    headers: { "impersonate-group": "dev" },
    loose: "the real server prints Go values",
  }),
  remove("refuses what the played user may not do", `${NODES}/n1`, undefined, {
    headers: { "impersonate-user": "bob", "impersonate-group": "dev" },
  }),
];

/** Events, Secrets and Leases. */
import { objectAt } from "../../objects/json.ts";
import type { JsonObject } from "../../objects/json.ts";
import { get, MERGE, patch, post, put, remove, STRATEGIC } from "../step.ts";
import type { Step } from "../step.ts";

const EVENTS = "/api/v1/namespaces/default/events";
const SECRETS = "/api/v1/namespaces/default/secrets";
const LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";

const event: JsonObject = {
  apiVersion: "v1",
  kind: "Event",
  metadata: { name: "e1", namespace: "default" },
  involvedObject: { apiVersion: "v1", kind: "Node", name: "n1", uid: "5" },
  reason: "UncordonRefused",
  message: "no",
  type: "Warning",
  firstTimestamp: "2026-01-02T03:04:05Z",
  lastTimestamp: "2026-01-02T03:04:05Z",
  count: 1,
  source: { component: "test" },
};

const eventSteps: readonly Step[] = [
  post("creates an event about a node", EVENTS, event),
  post("refuses an event about a node in another namespace", "/api/v1/namespaces/kube-system/events", {
    ...event,
    metadata: { name: "e2" },
  }),
  post(
    "demands the new fields with eventTime",
    EVENTS,
    {
      ...event,
      metadata: { name: "e3" },
      eventTime: "2026-01-02T03:04:05.000000Z",
      type: "",
    },
    { loose: "the real server checks more of these fields" },
  ),
  post("takes an event with eventTime", EVENTS, {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: "e4" },
    involvedObject: { kind: "Node", name: "n1" },
    eventTime: "2026-01-02T03:04:05.000000Z",
    reportingComponent: "example.com/test",
    reportingInstance: "test-1",
    action: "Uncordon",
    reason: "UncordonRefused",
    type: "Warning",
  }),
  patch("counts an event up", `${EVENTS}/e1`, STRATEGIC, { count: 2 }),
  get(
    "finds events of a node",
    `${EVENTS}?fieldSelector=involvedObject.name%3Dn1,involvedObject.kind%3DNode`,
  ),
  get("finds events in all namespaces", "/api/v1/events?fieldSelector=reason%3DUncordonRefused"),
  put("creates an event by PUT", `${EVENTS}/e5`, { ...event, metadata: { name: "e5" } }),
  remove("deletes events of a node", `${EVENTS}?fieldSelector=involvedObject.name%3Dn1`),
];

const secretSteps: readonly Step[] = [
  post("creates a secret from text", SECRETS, {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "s1" },
    stringData: { a: "b" },
    data: { c: "ZA==" },
  }),
  post(
    "refuses data that is not base64",
    SECRETS,
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "s2" },
      data: { a: "?" },
    },
    { loose: "the real server names the byte" },
  ),
  post("demands both files of a TLS secret", SECRETS, {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "s3" },
    type: "kubernetes.io/tls",
    data: { "tls.crt": "eA==" },
  }),
  patch("refuses another type", `${SECRETS}/s1`, MERGE, { type: "example.com/other" }),
  patch("merges data", `${SECRETS}/s1`, STRATEGIC, { data: { c: null, e: "Zg==" } }),
  put("replaces it at the right resourceVersion", `${SECRETS}/s1`, async (current) => ({
    ...(await current(`${SECRETS}/s1`)),
    data: { g: "aA==" },
  })),
  post("refuses a namespace that is not there", "/api/v1/namespaces/none/secrets", {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "s4" },
  }),
  post("refuses another namespace in the body", SECRETS, {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "s5", namespace: "kube-system" },
  }),
  remove("deletes the secret", `${SECRETS}/s1`),
];

const lease: JsonObject = {
  apiVersion: "coordination.k8s.io/v1",
  kind: "Lease",
  metadata: { name: "n1" },
  spec: { holderIdentity: "n1", leaseDurationSeconds: 40, renewTime: "2026-01-02T03:04:05.000000Z" },
};

const leaseSteps: readonly Step[] = [
  put("creates a lease by PUT", `${LEASES}/n1`, lease),
  put("refuses to replace it without a resourceVersion", `${LEASES}/n1`, lease),
  put("renews it", `${LEASES}/n1`, async (current) => {
    const stored = await current(`${LEASES}/n1`);
    return { ...stored, spec: { ...objectAt(stored, "spec"), renewTime: "2026-01-02T03:05:05.000000Z" } };
  }),
  patch("refuses a duration of 0", `${LEASES}/n1`, MERGE, { spec: { leaseDurationSeconds: 0 } }),
  remove("deletes the lease", `${LEASES}/n1`),
];

export const namespacedSteps: readonly Step[] = [...eventSteps, ...secretSteps, ...leaseSteps];

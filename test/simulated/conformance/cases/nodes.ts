/** Writing Nodes: create, replace, the three patches, status, and what is refused. */
import { objectAt } from "../../objects/json.ts";
import type { JsonObject } from "../../objects/json.ts";
import { nodeFixture } from "../../node-fixture.ts";
import { APPLY, get, JSON_PATCH, MERGE, patch, post, put, STRATEGIC } from "../step.ts";
import type { Step } from "../step.ts";

const NODES = "/api/v1/nodes";
const N1 = `${NODES}/n1`;
const fixture = nodeFixture({ name: "n1", bootID: "boot-1" });
const bare: JsonObject = { apiVersion: "v1", kind: "Node", metadata: { name: "bare" } };

const withMetadata = (object: JsonObject, more: JsonObject): JsonObject => ({
  ...object,
  metadata: { ...objectAt(object, "metadata"), ...more },
});

const created: readonly Step[] = [
  post("creates a node as a kubelet registers it", NODES, fixture),
  post("refuses a second node of that name", NODES, fixture),
  post("fills what a bare node lacks", `${NODES}?dryRun=All`, bare),
  post("refuses a node without a name", `${NODES}?dryRun=All`, {
    apiVersion: "v1",
    kind: "Node",
    metadata: {},
  }),
  post("refuses a name in capitals", `${NODES}?dryRun=All`, withMetadata(bare, { name: "Bad" }), {
    loose: "the real server adds examples and a regular expression",
  }),
  post(
    "refuses another kind",
    `${NODES}?dryRun=All`,
    { apiVersion: "v1", kind: "Secret", metadata: { name: "x" } },
    {
      loose: "the real server's reason is about Go types",
    },
  ),
  post(
    "refuses another version",
    `${NODES}?dryRun=All`,
    { ...bare, apiVersion: "v2" },
    {
      loose: "the real server does not know v2 at all",
    },
  ),
  post("refuses a resourceVersion on a new node", NODES, withMetadata(bare, { resourceVersion: "5" })),
  post("drops an unknown field with a warning", `${NODES}?dryRun=All`, { ...bare, spec: { bogus: 1 } }),
  post("refuses an unknown field if asked to", `${NODES}?dryRun=All&fieldValidation=Strict`, {
    ...bare,
    spec: { bogus: 1 },
  }),
  post("refuses a wrong type", `${NODES}?dryRun=All`, { ...bare, spec: { unschedulable: "yes" } }),
  post("refuses another dryRun", `${NODES}?dryRun=Some`, bare),
  post("refuses a bad taint effect", `${NODES}?dryRun=All`, {
    ...bare,
    spec: { taints: [{ key: "k", effect: "No" }] },
  }),
  get("reads the node", N1),
  get("refuses a node that is not there", `${NODES}/n9`),
];

const patched: readonly Step[] = [
  patch("cordons by strategic merge", N1, STRATEGIC, { spec: { unschedulable: true } }),
  patch("uncordons by strategic null", N1, STRATEGIC, { spec: { unschedulable: null } }),
  patch("cordons by merge patch", N1, MERGE, { spec: { unschedulable: true } }),
  patch("stores false as absent", N1, MERGE, { spec: { unschedulable: false } }),
  patch("cordons by JSON patch", N1, JSON_PATCH, [{ op: "add", path: "/spec/unschedulable", value: true }]),
  patch("fails a JSON patch test", N1, JSON_PATCH, [
    { op: "test", path: "/spec/unschedulable", value: false },
  ]),
  patch("fails a JSON patch of a missing path", N1, JSON_PATCH, [{ op: "remove", path: "/spec/nowhere" }]),
  patch("fails a JSON patch that is none", N1, JSON_PATCH, { spec: {} }),
  patch(
    "refuses a wrong type in a merge patch",
    N1,
    MERGE,
    { spec: { unschedulable: "yes" } },
    {
      loose: "the real server's object is printed in another order",
    },
  ),
  patch(
    "refuses a wrong type in a strategic patch",
    N1,
    STRATEGIC,
    { spec: { unschedulable: "yes" } },
    {
      loose: "the real server decodes strategic patches another way",
    },
  ),
  patch("warns of an unknown field in a merge patch", `${N1}?dryRun=All`, MERGE, { spec: { bogus: 1 } }),
  patch("refuses another name in a patch", N1, MERGE, { metadata: { name: "n2" } }),
  patch(
    "refuses another uid in a patch",
    N1,
    MERGE,
    { metadata: { uid: "5" } },
    {
      loose: "the real server compares uids as a precondition or as a field, by version",
    },
  ),
  patch("refuses a stale resourceVersion in a patch", N1, MERGE, { metadata: { resourceVersion: "1" } }),
  patch("refuses a patch of a node that is not there", `${NODES}/n9`, MERGE, {
    spec: { unschedulable: true },
  }),
  patch("empties annotations by null", `${N1}?dryRun=All`, MERGE, { metadata: { annotations: null } }),
  patch(
    "refuses an unknown patch type",
    N1,
    "application/x-patch",
    {},
    {
      loose: "the simulated server does not apply server-side, so it lists fewer types",
    },
  ),
  patch("changes nothing", N1, MERGE, { metadata: { labels: { "kubernetes.io/os": "linux" } } }),
  get("has kept what was patched", N1),
];

const strategic: readonly Step[] = [
  patch("replaces taints, which are atomic", N1, STRATEGIC, {
    spec: { taints: [{ key: "a", effect: "NoSchedule" }] },
  }),
  patch("replaces them again", N1, STRATEGIC, { spec: { taints: [{ key: "b", effect: "NoSchedule" }] } }),
  patch("merges conditions by type", `${N1}/status`, STRATEGIC, {
    status: {
      conditions: [
        { type: "Ready", status: "False" },
        { type: "Extra", status: "True" },
      ],
    },
  }),
  patch("deletes a condition by directive", `${N1}/status`, STRATEGIC, {
    status: { conditions: [{ type: "Extra", $patch: "delete" }] },
  }),
  patch("orders conditions by directive", `${N1}/status?dryRun=All`, STRATEGIC, {
    status: {
      "$setElementOrder/conditions": [{ type: "Ready" }, { type: "PIDPressure" }, { type: "New" }],
      conditions: [{ type: "New", status: "True" }],
    },
  }),
  patch("replaces conditions by directive", `${N1}/status?dryRun=All`, STRATEGIC, {
    status: { conditions: [{ $patch: "replace" }, { type: "Only", status: "True" }] },
  }),
  patch(
    "refuses a list item without its key",
    `${N1}/status`,
    STRATEGIC,
    {
      status: { conditions: [{ status: "True" }] },
    },
    { loose: "the real server prints Go maps" },
  ),
  patch(
    "refuses a directive that is none",
    N1,
    STRATEGIC,
    { metadata: { labels: { $patch: "x" } } },
    {
      loose: "the real server prints Go maps",
    },
  ),
  patch("replaces labels by directive", `${N1}?dryRun=All`, STRATEGIC, {
    metadata: { labels: { $patch: "replace", only: "one" } },
  }),
  patch("keeps only named keys", `${N1}?dryRun=All`, STRATEGIC, {
    metadata: { labels: { $retainKeys: ["kubernetes.io/os", "new"], new: "x" } },
  }),
  patch("joins finalizers as a set", `${N1}?dryRun=All`, STRATEGIC, {
    metadata: { finalizers: ["example.com/a", "example.com/b"] },
  }),
];

const status: readonly Step[] = [
  patch("ignores spec on nodes/status", `${N1}/status`, MERGE, { spec: { unschedulable: null } }),
  patch("keeps annotations on nodes/status", `${N1}/status`, MERGE, {
    metadata: { annotations: { "example.com/from-status": "yes" } },
    status: { phase: "Running" },
  }),
  patch("ignores status on nodes", N1, MERGE, { status: { phase: "Terminated" } }),
  put("replaces the status", `${N1}/status`, async (current) => {
    const node = await current(N1);
    return { ...node, spec: {}, status: { ...objectAt(node, "status"), phase: "Pending" } };
  }),
  get("reads status through its own path", `${N1}/status`),
];

const replaced: readonly Step[] = [
  put("replaces without a resourceVersion", N1, withMetadata(fixture, { labels: { replaced: "yes" } })),
  put("refuses a stale resourceVersion", N1, withMetadata(fixture, { resourceVersion: "1" })),
  put("refuses another name in the body", N1, withMetadata(fixture, { name: "n2" })),
  put(
    "refuses another uid in the body",
    N1,
    withMetadata(fixture, { uid: "11111111-2222-3333-4444-555555555555" }),
    {
      loose: "both uids are in the text",
    },
  ),
  put("refuses to replace what is not there", `${NODES}/n9`, withMetadata(fixture, { name: "n9" })),
  put("replaces with false for absent", N1, {
    ...fixture,
    spec: { ...objectAt(fixture, "spec"), unschedulable: false },
  }),
  put("refuses to change the provider id", N1, {
    ...fixture,
    spec: { ...objectAt(fixture, "spec"), providerID: "x://y" },
  }),
  put("refuses server-side apply of a bad body", `${N1}?dryRun=All`, "not json", {
    loose: "the parser's words are its own",
  }),
];

const metadata: readonly Step[] = [
  patch(
    "refuses annotations over 256 KiB",
    N1,
    MERGE,
    {
      metadata: { annotations: { big: "x".repeat(262_142) } },
    },
    { loose: "the real server says it four times" },
  ),
  patch("takes annotations of just 256 KiB", `${N1}?dryRun=All`, STRATEGIC, {
    metadata: { annotations: { $patch: "replace", big: "x".repeat(262_141) } },
  }),
  patch(
    "refuses a bad annotation key",
    N1,
    MERGE,
    { metadata: { annotations: { "a b": "x" } } },
    {
      loose: "the real server adds examples and a regular expression",
    },
  ),
  patch(
    "refuses a bad label value",
    N1,
    MERGE,
    { metadata: { labels: { a: "not ok" } } },
    {
      loose: "the real server adds examples and a regular expression",
    },
  ),
  patch("takes a null annotation in a JSON patch as empty", N1, JSON_PATCH, [
    { op: "add", path: "/metadata/annotations/example.com~1null", value: null },
  ]),
  patch(
    "refuses a number as annotation",
    N1,
    MERGE,
    { metadata: { annotations: { a: 1 } } },
    {
      loose: "the real server's object is printed in another order",
    },
  ),
];

/** Server-side apply is the one write that the simulated server leaves out: only its refusal can be tested. */
export const applyStep: Step = patch("applies server-side", `${N1}?fieldManager=x`, APPLY, "kind: Node");

export const nodeSteps: readonly Step[] = [
  ...created,
  ...patched,
  ...strategic,
  ...status,
  ...replaced,
  ...metadata,
];

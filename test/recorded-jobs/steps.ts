/**
 * What was sent to a real API server, in order, and what the webhook is to decide on what it got. The recorder allows
 * everything, so what is to be refused goes as a dry run, unless a later step needs it done.
 */
import { KUBEEDGE_FINALIZER } from "../../prepull/job.ts";

export interface Step {
  readonly name: string;
  /** `controller` is the user of KubeEdge's controller-manager. */
  readonly as: "admin" | "controller";
  readonly method: "POST" | "PUT" | "PATCH" | "DELETE";
  readonly version: "v1alpha1" | "v1alpha2";
  /** Below imageprepulljobs. */
  readonly path: string;
  /** JSON text, so that numbers go as they are written. */
  readonly body?: string;
  readonly apply?: true;
  /** The decision, or the rules that refuse; `server` where the API server refuses before it asks anyone. */
  readonly expected: string;
}

export const CONTROLLER = "system:serviceaccount:kubeedge:controller-manager";

function jobText(version: string, name: string, template: string, status = ""): string {
  const head = `"apiVersion":"operations.kubeedge.io/${version}","kind":"ImagePrePullJob","metadata":{"name":"${name}"}`;
  return `{${head},"spec":{"imagePrePullTemplate":${template}}${status}}`;
}

function templateText(timeoutSeconds: string): string {
  return `{"images":["nginx:1.27"],"nodeNames":["edge1"],"timeoutSeconds":${timeoutSeconds}}`;
}

/** How a number is written, and what becomes of it. */
const NUMBERS: readonly (readonly [written: string, expected: string])[] = [
  ["300", "accepted"],
  ["1e3", "accepted"],
  ["1.0", "accepted"],
  ["0.3e3", "accepted"],
  ["-0", "accepted"],
  ["-0.0", "number-range"],
  ["0", "accepted"],
  ["null", "accepted"],
  ["4294967295", "accepted"],
  ["4294967296", "number-range"],
  ["9007199254740993", "number-range"],
  ["-1", "number-range"],
  ["99999999999999999999", "server"],
  ["1e21", "server"],
  ["1.5", "server"],
  ['"300"', "server"],
];

const create = { as: "admin", method: "POST", version: "v1alpha2", path: "" } as const;
const patch = { as: "admin", method: "PATCH", version: "v1alpha2", path: "/a" } as const;
const finalizers = (list: string): string => `{"metadata":{"finalizers":${list}}}`;
const change = (template: string): string => `{"spec":{"imagePrePullTemplate":${template}}}`;

export const STEPS: readonly Step[] = [
  ...NUMBERS.map(([written, expected], at): Step => ({
    ...create,
    name: `timeoutSeconds ${written}`,
    body: jobText("v1alpha2", `number-${at}`, templateText(written)),
    expected,
  })),
  { ...create, name: "create", body: jobText("v1alpha2", "a", templateText("300")), expected: "accepted" },
  {
    ...create,
    version: "v1alpha1",
    name: "create through v1alpha1",
    body: jobText("v1alpha1", "b", templateText("300")),
    expected: "accepted",
  },
  {
    ...create,
    name: "create with generateName",
    body: jobText("v1alpha2", "", "{}").replace('"name":""', '"generateName":"job-"'),
    expected: "images-missing targets-missing",
  },
  {
    ...patch,
    name: "annotate through v1alpha1 what nobody runs",
    version: "v1alpha1",
    body: '{"metadata":{"annotations":{"a":"b"}}}',
    expected: "spec-untouched",
  },
  {
    ...patch,
    name: "finalizer by the controller",
    as: "controller",
    body: finalizers(`["${KUBEEDGE_FINALIZER}"]`),
    expected: "controller",
  },
  {
    ...patch,
    name: "status by the controller",
    as: "controller",
    path: "/a/status",
    body: '{"status":{"phase":"InProgress"}}',
    expected: "controller",
  },
  {
    ...patch,
    name: "annotate through v1alpha1 what v1alpha2 runs",
    path: "/a?dryRun=All",
    version: "v1alpha1",
    body: '{"metadata":{"annotations":{"a":"c"}}}',
    expected: "old-version-write",
  },
  {
    ...patch,
    name: "status through v1alpha1",
    version: "v1alpha1",
    path: "/a/status?dryRun=All",
    body: '{"status":{"state":"Pulling"}}',
    expected: "old-version-write",
  },
  {
    ...patch,
    name: "phase cleared",
    path: "/a/status?dryRun=All",
    body: '{"status":{"phase":""}}',
    expected: "phase-cleared",
  },
  {
    ...patch,
    name: "status removed",
    path: "/a/status?dryRun=All",
    body: '{"status":null}',
    expected: "phase-cleared",
  },
  { ...patch, name: "label", body: '{"metadata":{"labels":{"a":"b"}}}', expected: "spec-untouched" },
  {
    ...patch,
    name: "server-side apply of another node",
    apply: true,
    path: "/a?fieldManager=me&force=true&dryRun=All",
    body: jobText("v1alpha2", "a", templateText("300").replace("edge1", "edge2")),
    expected: "spec-frozen",
  },
  {
    ...patch,
    name: "another node after the start",
    path: "/a?dryRun=All",
    body: change('{"nodeNames":["edge2"]}'),
    expected: "spec-frozen",
  },
  {
    ...patch,
    name: "another timeout after the start",
    body: change('{"timeoutSeconds":60}'),
    expected: "accepted",
  },
  {
    ...patch,
    name: "dry run of a poison",
    path: "/a?dryRun=All",
    body: change('{"timeoutSeconds":-1}'),
    expected: "number-range",
  },
  {
    ...patch,
    name: "poison",
    body: change('{"concurrency":3000000000}'),
    expected: "spec-frozen number-range",
  },
  {
    ...patch,
    name: "label on the poisonous job",
    body: '{"metadata":{"labels":{"a":"c"}}}',
    expected: "spec-untouched",
  },
  { ...patch, name: "delete through v1alpha1", method: "DELETE", version: "v1alpha1", expected: "delete" },
  {
    ...patch,
    name: "cure while it is being deleted",
    body: change('{"concurrency":1,"nodeNames":["edge3"]}'),
    expected: "cure",
  },
  {
    ...patch,
    name: "finalizer stripped through v1alpha1 while it is being deleted",
    version: "v1alpha1",
    body: finalizers("null"),
    expected: "spec-untouched",
  },
  { ...create, method: "DELETE", name: "delete the others", expected: "delete" },
];

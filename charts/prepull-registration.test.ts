/** The registrations for ImagePrePullJobs; test:cluster runs their CEL in a real API server. */
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { KUBEEDGE_FINALIZER } from "../prepull/job.ts";
import { activation, matchConditions } from "../test/simulated/admission/match-conditions.ts";
import { isObject, parseJson, type JsonObject } from "../test/simulated/objects/json.ts";
import { at, chartFile } from "./chart-files.ts";

const prepull: unknown = parse(await chartFile("registrations/prepull.yaml"));
const defaults: unknown = parse(await chartFile("registrations/prepull-defaults.yaml"));
const conditions = [
  { name: "can-harm", expression: String(at(firstOf(prepull, "matchConditions"), "expression")) },
];
const [rule] = rulesOf(prepull);

function firstOf(registration: unknown, key: string): unknown {
  const list = at(registration, key);
  const items: readonly unknown[] = Array.isArray(list) ? list : [];
  return items[0];
}

function rulesOf(registration: unknown): readonly unknown[] {
  const rules = at(registration, "rules");
  return Array.isArray(rules) ? rules : [];
}

const squeezed = (text: string): string => text.replaceAll(/\s+/g, "");

test("the match condition is the one that was recorded on a real API server", async () => {
  const file = await readFile(new URL("../test/recorded-jobs/can-harm.cel", import.meta.url), "utf8");
  const code = file.split("\n").filter((line) => !line.startsWith("//"));
  expect(squeezed(conditions[0]?.expression ?? "")).toBe(squeezed(code.join("")));
});

test("asked about are both versions, objects and status, and no delete", () => {
  expect(rulesOf(prepull)).toHaveLength(1);
  expect(rule).toEqual({
    apiGroups: ["operations.kubeedge.io"],
    apiVersions: ["v1alpha1", "v1alpha2"],
    resources: ["imageprepulljobs", "imageprepulljobs/status"],
    operations: ["CREATE", "UPDATE"],
    scope: "Cluster",
  });
  expect(at(prepull, "matchPolicy")).toBe("Equivalent");
  expect(at(prepull, "sideEffects")).toBe("None");
});

test("defaults are for new jobs only, and set nothing twice", () => {
  expect(rulesOf(defaults)).toEqual([
    { ...Object(rule), resources: ["imageprepulljobs"], operations: ["CREATE"] },
  ]);
  expect(at(defaults, "reinvocationPolicy")).toBe("Never");
  expect(at(defaults, "sideEffects")).toBe("None");
});

const job = (spec: object, more: object = {}, status?: object) => ({
  apiVersion: "operations.kubeedge.io/v1alpha2",
  kind: "ImagePrePullJob",
  metadata: { name: "a", ...more },
  spec: { imagePrePullTemplate: { ...spec } },
  ...(status === undefined ? {} : { status: { ...status } }),
});
const held = { finalizers: [KUBEEDGE_FINALIZER] };
const old = job({ timeoutSeconds: 1 }, held, { phase: "InProgress" });

test.each<[string, object, object | null, object, boolean]>([
  ["a new job", {}, null, old, true],
  ["a label", {}, old, job({ timeoutSeconds: 1 }, { ...held, labels: { a: "b" } }, old.status), false],
  ["the spec", {}, old, job({ timeoutSeconds: -1 }, held, old.status), true],
  ["anything through v1alpha1", { version: "v1alpha1" }, old, old, true],
  ["the status goes on", { subResource: "status" }, old, { ...old, status: { phase: "Completed" } }, false],
  ["the phase is emptied", { subResource: "status" }, old, { ...old, status: { phase: "" } }, true],
  ["the phase is Init again", { subResource: "status" }, old, { ...old, status: { phase: "Init" } }, true],
  ["the status is removed", { subResource: "status" }, old, job({ timeoutSeconds: 1 }, held), true],
  ["the first phase", { subResource: "status" }, job({}), { ...old, status: { phase: "Init" } }, false],
  ["the finalizer goes, by an admin", {}, old, { ...old, metadata: { name: "a" } }, true],
  [
    "the finalizer goes, by KubeEdge",
    { username: "system:serviceaccount:kubeedge:controller-manager" },
    old,
    { ...old, metadata: { name: "a" } },
    false,
  ],
  [
    "the spec, by KubeEdge",
    { username: "system:serviceaccount:kubeedge:controller-manager" },
    old,
    job({ timeoutSeconds: -1 }, held, old.status),
    true,
  ],
])("asked: %s", (_what, part, before, after, asked) => {
  const request = {
    operation: before === null ? "CREATE" : "UPDATE",
    requestKind: { group: "operations.kubeedge.io", version: "v1alpha2", kind: "ImagePrePullJob" },
    userInfo: { username: "admin" },
    ...("version" in part ? { requestKind: { version: part.version } } : {}),
    ...("username" in part ? { userInfo: { username: part.username } } : {}),
    ...("subResource" in part ? { subResource: part.subResource } : {}),
  };
  const result = matchConditions(
    conditions,
    activation(jsonOf(request), jsonOf(after), before === null ? null : jsonOf(before)),
  );
  expect(result.kind).toBe(asked ? "matches" : "excluded");
});

function jsonOf(value: object): JsonObject {
  const json = parseJson(JSON.stringify(value));
  if (!isObject(json)) throw new TypeError("expected an object");
  return json;
}

import { expect, test } from "vitest";
import {
  readCloudcore,
  readControllerManager,
  readEdgecore,
  readNodeFact,
  readSecretForm,
} from "./read-facts.ts";

test.each([
  ["modules: {taskManager: {enable: true}}", "on", "off"],
  ["modules: {taskManager: {enable: false}}", "off", "off"],
  ["modules:\n  taskManager:\n    enable: true\nfeatureGates: {disableNodeTaskV1alpha2: true}", "on", "on"],
  // build/cloud/05-configmap.yaml of KubeEdge leaves the module out: off.
  ["modules: {cloudHub: {nodeLimit: 1000}}", "off", "off"],
  ['modules: {taskManager: {enable: "yes"}}', "unknown", "off"],
  ["# taskManager: enable: true\nmodules: {}", "off", "off"],
  ["", "unknown", "unknown"],
  ["[", "unknown", "unknown"],
  ["text", "unknown", "unknown"],
  [undefined, "unknown", "unknown"],
])("cloudcore.yaml %j: task manager %s, old runtime %s", (text, cloudTaskManager, oldRuntime) => {
  expect(readCloudcore(text)).toEqual({ cloudTaskManager, oldRuntime });
});

test.each([
  ["modules: {taskManager: {enable: true}}", "on"],
  ["modules: {taskManager: {enable: false}}", "off"],
  ["modules: {}", "unknown"],
  ["a: &a [*a]", "unknown"],
  ["{", "unknown"],
])("edgecore.yaml %j: %s", (text, expected) => {
  expect(readEdgecore(text)).toBe(expected);
});

test.each<[readonly unknown[] | undefined, string]>([
  [undefined, "unknown"],
  [[], "missing"],
  [[{ metadata: { name: "cloudcore" }, status: { readyReplicas: 1 } }], "missing"],
  [[{ metadata: { name: "kubeedge-controller-manager" }, status: { readyReplicas: 1 } }], "ready"],
  [[{ metadata: { name: "kubeedge-controller-manager" }, status: {} }], "not-ready"],
  [[{ metadata: { name: "kubeedge-controller-manager" }, status: { readyReplicas: 0 } }], "not-ready"],
  [
    [{ metadata: { name: "x", labels: { kubeedge: "controller-manager" } }, status: { readyReplicas: 2 } }],
    "ready",
  ],
  [[null, 7], "missing"],
])("Deployments %j: %s", (deployments, expected) => {
  expect(readControllerManager(deployments)).toBe(expected);
});

const base64 = (text: string): string => Buffer.from(text).toString("base64");

test.each<[unknown, string]>([
  [{ username: "u", password: "p" }, "flat"],
  [{ auth: "dTpw" }, "flat"],
  [{ auths: { "r.io": { auth: "dTpw" } } }, "auths"],
  [{ auths: {}, username: "u" }, "flat"],
  [{}, "auths"],
  [{ username: "" }, "auths"],
  ["text", "unreadable"],
])(".dockerconfigjson %j: %s", (content, expected) => {
  expect(readSecretForm({ data: { ".dockerconfigjson": base64(JSON.stringify(content)) } })).toBe(expected);
});

test.each<[unknown, string]>([
  [{ data: { ".dockerconfigjson": base64("{") } }, "unreadable"],
  [{ type: "kubernetes.io/dockercfg", data: { ".dockercfg": base64("{}") } }, "no-key"],
  [{ data: { ".dockerconfigjson": "" } }, "no-key"],
  [{}, "no-key"],
  [null, "no-key"],
])("Secret %j: %s", (secret, expected) => {
  expect(readSecretForm(secret)).toBe(expected);
});

const READY = { type: "Ready", status: "True" };

test.each<[string, object, object]>([
  ["edge", { metadata: { labels: { "node-role.kubernetes.io/edge": "" } } }, { edge: true, ready: false }],
  [
    "label with a value",
    { metadata: { labels: { "node-role.kubernetes.io/edge": "true" } } },
    { edge: false },
  ],
  ["Ready", { status: { conditions: [READY] } }, { ready: true, diskPressure: false }],
  ["Ready Unknown", { status: { conditions: [{ ...READY, status: "Unknown" }] } }, { ready: false }],
  [
    "pressure",
    { status: { conditions: [READY, { type: "DiskPressure", status: "True" }] } },
    { diskPressure: true },
  ],
  ["reported off", reported('{"edgeTaskManager":"off"}'), { taskManager: "off" }],
  ["reported on", reported('{"edgeTaskManager":"on"}'), { taskManager: "on" }],
  ["reported nothing", reported("{}"), { taskManager: "unknown" }],
  ["report broken", reported("{"), { taskManager: "unknown" }],
])("node: %s", (_name, { metadata, ...rest }: { metadata?: object }, expected) => {
  expect(readNodeFact({ metadata: { name: "n1", ...metadata }, ...rest })).toMatchObject(expected);
});

test("what is no node", () => {
  for (const raw of [null, {}, [], "x", { metadata: { name: 7 } }]) expect(readNodeFact(raw)).toBeUndefined();
});

function reported(report: string): object {
  return { metadata: { annotations: { "nodelatch.io/boot-report": report } } };
}

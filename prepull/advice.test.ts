import { describe, expect, test } from "vitest";
import { advise } from "./advice.ts";
import { factsWith, named, nodeFact, specWith } from "./fixture.ts";
import type { ClusterFacts, NodeFact, SecretForm } from "./facts.ts";
import { someOf } from "./node-advice.ts";
import { checkSpec } from "./spec.ts";

function advised(part: Readonly<Record<string, unknown>>, facts: ClusterFacts): readonly string[] {
  const { template } = checkSpec(specWith(part));
  return template === undefined ? ["no template"] : named(advise(template, facts));
}

test("nothing known, nothing said", () => {
  expect(advised({ imageSecrets: "a/b" }, factsWith())).toEqual([]);
});

const EDGE = [1, 2, 3, 4].map((number) => nodeFact(`edge${number}`));
const ALL: readonly NodeFact[] = [
  ...EDGE,
  nodeFact("cloud1", { edge: false }),
  nodeFact("down1", { ready: false }),
  nodeFact("full1", { diskPressure: true }),
  nodeFact("off1", { taskManager: "off" }),
  nodeFact("lost1", { ready: false, diskPressure: true, taskManager: "off" }),
  nodeFact("on1", { taskManager: "on" }),
];

describe("named nodes", () => {
  test.each<[string, string, readonly string[]]>([
    ["edge1 edge2 on1", "1", []],
    ["ghost", "1", ["nodes-unusable"]],
    ["cloud1", "1", ["nodes-unusable"]],
    ["down1", "1", ["nodes-unusable"]],
    ["ghost cloud1 down1", "1", ["nodes-unusable"]],
    ["edge1 ghost", "0.5", ["node-missing"]],
    ["edge1 ghost", "0.49", ["node-missing", "tolerance-exceeded"]],
    ["edge1 cloud1", "0.5", ["node-not-edge"]],
    ["edge1 down1", "0.5", ["node-not-ready"]],
    ["edge1 full1", "0", ["node-disk-pressure"]],
    ["edge1 lost1", "0.5", ["node-not-ready"]],
    ["edge1 off1", "0", ["edge-task-manager-off"]],
    ["edge1 edge2 ghost cloud1 down1", "0.6", ["node-missing", "node-not-edge", "node-not-ready"]],
  ])("%s, tolerance %s: %j", (names, failureTolerate, expected) => {
    const part = { nodeNames: names.split(" "), failureTolerate, concurrency: 9 };
    const rules = advised(part, factsWith({ nodes: ALL })).map((found) => found.split(" ")[0]);
    expect(rules.filter((rule) => rule !== "tolerance-always")).toEqual(expected);
  });
});

const EXPRESSIONS = [
  { key: "site", operator: "In", values: ["north", "south"] },
  { key: "zone", operator: "Exists" },
  { key: "retired", operator: "DoesNotExist" },
  { key: "arch", operator: "NotIn", values: ["arm"] },
];

describe("selectors", () => {
  const labels = { site: "north", zone: "1" };
  test.each<[Record<string, string>, boolean]>([
    [labels, true],
    [{ ...labels, site: "south" }, true],
    [{ ...labels, site: "west" }, false],
    [{ zone: "1" }, false],
    [{ site: "north" }, false],
    [{ ...labels, zone: "" }, true],
    [{ ...labels, retired: "" }, false],
    [{ ...labels, arch: "arm" }, false],
    [{ ...labels, arch: "amd64" }, true],
  ])("%j matches: %s", (labels, matches) => {
    const part = { nodeNames: undefined, labelSelector: { matchExpressions: EXPRESSIONS } };
    const found = advised(part, factsWith({ nodes: [nodeFact("edge1", { labels })] }));
    expect(found).toEqual(matches ? [] : ["selector-matches-nothing labelSelector"]);
  });

  test("nodes of the cloud are told, and all of them bad is refused", () => {
    const part = {
      nodeNames: undefined,
      labelSelector: { matchLabels: { site: "a" } },
      failureTolerate: "0.5",
    };
    const a = { labels: { site: "a" } };
    const cloud = nodeFact("cloud1", { edge: false, ...a });
    expect(advised(part, factsWith({ nodes: [nodeFact("edge1", a), cloud] }))).toEqual([
      "selector-cloud-nodes labelSelector",
    ]);
    expect(advised(part, factsWith({ nodes: [cloud, nodeFact("edge1")] }))).toEqual([
      "nodes-unusable labelSelector",
    ]);
  });
});

test.each<[Partial<ClusterFacts>, object, readonly string[]]>([
  [{ controllerManager: "ready", cloudTaskManager: "on" }, {}, []],
  [{ controllerManager: "unknown", cloudTaskManager: "unknown" }, {}, []],
  [{ controllerManager: "missing" }, {}, ["controller-manager-missing"]],
  [{ controllerManager: "not-ready" }, {}, ["controller-manager-not-ready"]],
  [{ cloudTaskManager: "off" }, {}, ["task-manager-off"]],
  [{ oldRuntime: "on", controllerManager: "missing" }, { failureTolerate: "0.1" }, []],
  [{ oldRuntime: "on" }, {}, ["old-runtime-tolerance"]],
  [{ oldRuntime: "on" }, { timeoutSeconds: 0, failureTolerate: "0.1" }, ["old-runtime-timeout"]],
  [{ oldRuntime: "off" }, { timeoutSeconds: 0 }, []],
])("%j with %j: %j", (part, spec, expected) => {
  const { nodes: _, ...rest } = part;
  expect(advised({ ...spec }, factsWith(rest)).map((found) => found.split(" ")[0])).toEqual(expected);
});

test.each<[string, SecretForm | undefined, readonly string[]]>([
  ["kubeedge/login", "flat", []],
  ["kubeedge/login", "auths", ["secret-auths imageSecrets"]],
  ["kubeedge/login", "no-key", ["secret-type imageSecrets"]],
  ["kubeedge/login", "unreadable", ["secret-type imageSecrets"]],
  ["kubeedge/login", undefined, ["secret-missing imageSecrets"]],
  ["elsewhere/login", undefined, []],
])("Secret %s of the form %s: %j", (imageSecrets, form, expected) => {
  const secrets = new Map([["kubeedge", new Map(form === undefined ? [] : [["login", form]])]]);
  expect(advised({ imageSecrets }, factsWith({ secrets }))).toEqual(expected);
});

test.each([
  [10, 1, 300, false],
  [11, 1, 300, true],
  [11, 2, 300, false],
  [11, 2, 179, true],
  [1, 1, 1, false],
  [2, 1, 59, true],
  [2, 1, 60, false],
  [5000, 0, 0, false],
])("%d nodes, concurrency %d, timeout %d s is short: %s", (count, concurrency, timeoutSeconds, short) => {
  const nodeNames = Array.from({ length: count }, (_, at) => `edge${at}`);
  const found = advised({ nodeNames, concurrency, timeoutSeconds }, factsWith());
  expect(found).toEqual(short ? ["timeout-short timeoutSeconds"] : []);
});

test("what is wrong with a Secret is said", () => {
  const textOf = (form: SecretForm): string | undefined => {
    const { template } = checkSpec(specWith({ imageSecrets: "kubeedge/login" }));
    const secrets = new Map([["kubeedge", new Map([["login", form]])]]);
    return template === undefined ? undefined : advise(template, factsWith({ secrets }))[0]?.text;
  };
  expect(textOf("no-key")).toBe("the Secret has no key .dockerconfigjson");
  expect(textOf("unreadable")).toBe("the Secret holds no JSON in .dockerconfigjson");
});

test.each([
  [["a"], "a"],
  [["a", "b"], "a, b"],
  [["a", "b", "c"], "a, b and 1 more"],
])("%j are called %s", (names, text) => {
  expect(someOf(names)).toBe(text);
});

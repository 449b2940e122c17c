import { expect, test } from "vitest";
import { foundIn } from "./fixture.ts";

const NONE = { nodeNames: undefined };
const SITE = { matchLabels: { site: "north" } };

test.each<[object, readonly string[]]>([
  [{ nodeNames: ["edge1", "edge2"] }, []],
  [{ nodeNames: ["a".repeat(253)] }, []],
  [{ nodeNames: ["a.b-c.1"] }, []],
  [{ nodeNames: ["a".repeat(254)] }, ["node-name-malformed nodeNames[0]"]],
  [{ nodeNames: [""] }, ["node-name-malformed nodeNames[0]"]],
  [{ nodeNames: ["edge1", null] }, ["node-name-malformed nodeNames[1]"]],
  [{ nodeNames: ["Edge1"] }, ["node-name-malformed nodeNames[0]"]],
  [{ nodeNames: ["edge_1"] }, ["node-name-malformed nodeNames[0]"]],
  [{ nodeNames: ["-edge1"] }, ["node-name-malformed nodeNames[0]"]],
  [{ nodeNames: ["a..b"] }, ["node-name-malformed nodeNames[0]"]],
  [{ nodeNames: ["edge1", "edge2", "edge1"] }, ["node-name-duplicate nodeNames[2]"]],
  [{ nodeNames: "edge1" }, ["field-type nodeNames"]],
  [{ nodeNames: [1] }, ["field-type nodeNames[0]"]],
  [{ nodeNames: undefined }, ["targets-missing nodeNames"]],
  [{ nodeNames: [] }, ["targets-missing nodeNames"]],
  [{ nodeNames: null, labelSelector: null }, ["targets-missing nodeNames"]],
  [{ nodeNames: [], labelSelector: SITE }, []],
  [{ nodeNames: ["edge1"], labelSelector: null }, []],
  [{ nodeNames: ["edge1"], labelSelector: SITE }, ["targets-both labelSelector"]],
  [
    { nodeNames: ["edge1"], labelSelector: {} },
    ["targets-both labelSelector", "selector-everything labelSelector"],
  ],
])("%j: %j", (part, expected) => {
  expect(foundIn({ ...part })).toEqual(expected);
});

const IN = (key: unknown, values: unknown = ["north"]): object => ({
  matchExpressions: [{ key, operator: "In", values }],
});

test.each<[unknown, readonly string[]]>([
  [SITE, []],
  [{ matchLabels: { "node-role.kubernetes.io/edge": "" } }, []],
  [{ matchLabels: { site: null } }, []],
  [{}, ["selector-everything labelSelector"]],
  [{ matchLabels: {}, matchExpressions: [] }, ["selector-everything labelSelector"]],
  [IN("site"), []],
  [IN("a".repeat(63)), []],
  [IN("a".repeat(64)), ["selector-malformed labelSelector.matchExpressions[0].key"]],
  [IN(`${"a".repeat(253)}/x`), []],
  [IN(`${"a".repeat(254)}/x`), ["selector-malformed labelSelector.matchExpressions[0].key"]],
  [IN("a/b/c"), ["selector-malformed labelSelector.matchExpressions[0].key"]],
  [IN("/x"), ["selector-malformed labelSelector.matchExpressions[0].key"]],
  [IN("x/"), ["selector-malformed labelSelector.matchExpressions[0].key"]],
  [IN("Up.per/x"), ["selector-malformed labelSelector.matchExpressions[0].key"]],
  [IN(""), ["selector-malformed labelSelector.matchExpressions[0].key"]],
  [IN(undefined), ["selector-malformed labelSelector.matchExpressions[0].key"]],
  [IN(7), ["field-type labelSelector.matchExpressions[0].key"]],
  [IN("site", []), ["selector-malformed labelSelector.matchExpressions[0].values"]],
  [IN("site", null), ["selector-malformed labelSelector.matchExpressions[0].values"]],
  [IN("site", [""]), []],
  [IN("site", ["a".repeat(63)]), []],
  [IN("site", ["a".repeat(64)]), ["selector-malformed labelSelector.matchExpressions[0].values[0]"]],
  [IN("site", ["ok", "-no"]), ["selector-malformed labelSelector.matchExpressions[0].values[1]"]],
  [IN("site", "north"), ["field-type labelSelector.matchExpressions[0].values"]],
  [{ matchExpressions: [{ key: "site", operator: "Exists" }] }, []],
  [{ matchExpressions: [{ key: "site", operator: "DoesNotExist", values: [] }] }, []],
  [
    { matchExpressions: [{ key: "site", operator: "Exists", values: ["x"] }] },
    ["selector-malformed labelSelector.matchExpressions[0].values"],
  ],
  [
    { matchExpressions: [{ key: "site", operator: "NotIn" }] },
    ["selector-malformed labelSelector.matchExpressions[0].values"],
  ],
  [
    { matchExpressions: [{ key: "site", operator: "Foo", values: ["x"] }] },
    ["selector-malformed labelSelector.matchExpressions[0].operator"],
  ],
  [
    { matchExpressions: [{ key: "site", operator: "Gt", values: ["1"] }] },
    ["selector-malformed labelSelector.matchExpressions[0].operator"],
  ],
  [
    { matchExpressions: [{}] },
    [
      "selector-malformed labelSelector.matchExpressions[0].key",
      "selector-malformed labelSelector.matchExpressions[0].operator",
    ],
  ],
  [{ matchExpressions: ["site"] }, ["field-type labelSelector.matchExpressions[0]"]],
  [{ matchExpressions: {} }, ["field-type labelSelector.matchExpressions"]],
  [{ matchLabels: { "a b": "x" } }, ["selector-malformed labelSelector.matchLabels"]],
  [{ matchLabels: { site: "a b" } }, ["selector-malformed labelSelector.matchLabels[site]"]],
  [{ matchLabels: { site: 1 } }, ["field-type labelSelector.matchLabels[site]"]],
  [{ matchLabels: [] }, ["field-type labelSelector.matchLabels"]],
  [{ ...SITE, matchFields: [] }, ["field-unknown labelSelector.matchFields"]],
  ["site=north", ["field-type labelSelector"]],
  [[], ["field-type labelSelector"]],
])("labelSelector %j: %j", (labelSelector, expected) => {
  expect(foundIn({ ...NONE, labelSelector })).toEqual(expected);
});

import { describe, expect, test } from "vitest";
import type { JsonObject } from "../objects/json.ts";
import { nodeSchema } from "../objects/node-schema.ts";
import { mergePatch } from "./merge-patch.ts";
import { strategicMerge } from "./strategic-merge.ts";

const ready = { type: "Ready", status: "True" };
const disk = { type: "DiskPressure", status: "False" };

describe("strategicMerge()", () => {
  test.each<[string, JsonObject, JsonObject, JsonObject]>([
    ["deletes by null", { spec: { a: 1, b: 2 } }, { spec: { a: null } }, { spec: { b: 2 } }],
    [
      "merges items by their key",
      { status: { conditions: [ready, disk] } },
      { status: { conditions: [{ type: "Ready", reason: "x" }] } },
      { status: { conditions: [{ ...ready, reason: "x" }, disk] } },
    ],
    [
      "appends items with a new key",
      { status: { conditions: [ready] } },
      { status: { conditions: [disk] } },
      { status: { conditions: [ready, disk] } },
    ],
    [
      "deletes an item by directive",
      { status: { conditions: [ready, disk] } },
      { status: { conditions: [{ type: "Ready", $patch: "delete" }] } },
      { status: { conditions: [disk] } },
    ],
    [
      "replaces a list by directive",
      { status: { conditions: [ready] } },
      { status: { conditions: [{ $patch: "replace" }, disk] } },
      { status: { conditions: [disk] } },
    ],
    [
      "replaces a list that has no merge key",
      { spec: { taints: [{ key: "a" }] } },
      { spec: { taints: [{ key: "b" }] } },
      { spec: { taints: [{ key: "b" }] } },
    ],
    [
      "joins a set of texts",
      { metadata: { finalizers: ["a"] } },
      { metadata: { finalizers: ["b", "a"] } },
      { metadata: { finalizers: ["a", "b"] } },
    ],
    [
      "takes texts out of a set",
      { metadata: { finalizers: ["a", "b"] } },
      { metadata: { "$deleteFromPrimitiveList/finalizers": ["a"] } },
      { metadata: { finalizers: ["b"] } },
    ],
    [
      "orders a list",
      { status: { conditions: [ready, disk] } },
      { status: { "$setElementOrder/conditions": [{ type: "DiskPressure" }, { type: "Ready" }] } },
      { status: { conditions: [disk, ready] } },
    ],
    [
      "replaces a map by directive",
      { metadata: { labels: { a: "1" } } },
      { metadata: { labels: { $patch: "replace", b: "2" } } },
      { metadata: { labels: { b: "2" } } },
    ],
    [
      "deletes a map by directive",
      { metadata: { labels: { a: "1" } } },
      { metadata: { labels: { $patch: "delete" } } },
      { metadata: {} },
    ],
    [
      "keeps only named keys",
      { metadata: { labels: { a: "1", b: "2" } } },
      { metadata: { labels: { $retainKeys: ["b", "c"], c: "3" } } },
      { metadata: { labels: { b: "2", c: "3" } } },
    ],
    [
      "leaves no directive or null in what is new",
      {},
      { metadata: { labels: { $patch: "merge", a: "1", b: null } } },
      { metadata: { labels: { a: "1" } } },
    ],
  ])("%s", (_, target, patch, expected) => {
    expect(strategicMerge(target, patch, nodeSchema)).toEqual(expected);
  });

  test("refuses a list item without its key", () => {
    const patch = { status: { conditions: [{ status: "True" }] } };
    expect(() => strategicMerge({}, patch, nodeSchema)).toThrow("declared merge key: type");
  });

  test("leaves the target as it was", () => {
    const target = { status: { conditions: [ready] } };
    const before = structuredClone(target);
    strategicMerge(target, { status: { conditions: [{ type: "Ready", status: "False" }] } }, nodeSchema);
    expect(target).toEqual(before);
  });
});

describe("mergePatch()", () => {
  // The examples of RFC 7386, appendix A, whose documents are objects.
  test.each<[JsonObject, JsonObject, JsonObject]>([
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b" }, { a: null }, {}],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])("merges %j with %j", (target, patch, expected) => {
    expect(mergePatch(target, patch)).toEqual(expected);
  });
});

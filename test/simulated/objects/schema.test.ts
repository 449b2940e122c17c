import { describe, expect, test } from "vitest";
import { objectAt, parseJson } from "./json.ts";
import type { JsonObject } from "./json.ts";
import { nodeSchema } from "./node-schema.ts";
import { decode, DecodeError } from "./schema.ts";

const node = (more: JsonObject): JsonObject => ({
  kind: "Node",
  apiVersion: "v1",
  metadata: { name: "n1" },
  ...more,
});

describe("decoding a Node", () => {
  test.each<[string, JsonObject, JsonObject]>([
    ["drops false, which Go's omitempty does not write", { unschedulable: false }, {}],
    ["drops null", { unschedulable: null }, {}],
    ["keeps true", { unschedulable: true }, { unschedulable: true }],
    ["drops empty lists and texts", { taints: [], podCIDR: "" }, {}],
    ["drops unknown fields", { bogus: 1 }, {}],
  ])("%s", (_, spec, expected) => {
    expect(decode(nodeSchema, "Node", node({ spec })).object["spec"]).toEqual(expected);
  });

  test("names unknown fields with their paths", () => {
    const raw = node({ spec: { bogus: 1, taints: [{ key: "a", effect: "b", more: 1 }] }, extra: {} });
    expect(decode(nodeSchema, "Node", raw).unknown).toEqual(["extra", "spec.bogus", "spec.taints[0].more"]);
  });

  test("writes structs that are always there", () => {
    const { status } = decode(nodeSchema, "Node", node({})).object;
    expect(status).toMatchObject({
      daemonEndpoints: { kubeletEndpoint: { Port: 0 } },
      nodeInfo: { bootID: "" },
    });
  });

  test("reads null in a map as an empty text", () => {
    const raw = node({ metadata: { name: "n1", annotations: { a: null } } });
    expect(decode(nodeSchema, "Node", raw).object["metadata"]).toEqual({
      name: "n1",
      annotations: { a: "" },
    });
  });

  test("keeps a key called __proto__ a key", () => {
    const raw = objectAt(
      parseJson('{"kind":"Node","apiVersion":"v1","metadata":{"annotations":{"__proto__":"x"}}}'),
    );
    const { metadata } = decode(nodeSchema, "Node", raw).object;
    expect(JSON.stringify(metadata)).toBe('{"annotations":{"__proto__":"x"}}');
  });

  test.each<[string, JsonObject, string]>([
    ["a text for a flag", { spec: { unschedulable: "yes" } }, "NodeSpec.spec.unschedulable of type bool"],
    ["a number for a text", { metadata: { annotations: { a: 1 } } }, "metadata.annotations"],
    [
      "a map for a list",
      { spec: { taints: {} } },
      "cannot unmarshal object into Go struct field NodeSpec.spec.taints",
    ],
    ["a fraction for an integer", { metadata: { generation: 1.5 } }, "metadata.generation of type int64"],
  ])("refuses %s and names it", (_, more, message) => {
    const attempt = (): unknown => decode(nodeSchema, "Node", node(more));
    expect(attempt).toThrow(DecodeError);
    expect(attempt).toThrow(message);
  });
});

import { describe, expect, test } from "vitest";
import { LOCK_ANNOTATION, parseNode } from "./node.ts";

describe("parseNode", () => {
  test("keeps what decides and drops the rest", () => {
    const node = parseNode(
      {
        metadata: { name: "n1", uid: "u1", annotations: { [LOCK_ANNOTATION]: "x", "other.io/key": "y" } },
        spec: { unschedulable: true, podCIDR: "10.0.0.0/24" },
        status: { nodeInfo: { bootID: "b1", kernelVersion: "6.1" } },
      },
      "request.object",
    );
    expect(node).toEqual({
      name: "n1",
      uid: "u1",
      deleting: false,
      hasAnnotations: true,
      annotations: new Map([[LOCK_ANNOTATION, "x"]]),
      unschedulable: true,
      bootID: "b1",
    });
  });

  test("keeps what it is told to watch besides", () => {
    const annotations = { [LOCK_ANNOTATION]: "x", "other.io/key": "y", "other.io/more": "z" };
    const raw = { metadata: { name: "n1", annotations } };
    expect(parseNode(raw, "o", new Set(["other.io/key"])).annotations).toEqual(
      new Map([
        [LOCK_ANNOTATION, "x"],
        ["other.io/key", "y"],
      ]),
    );
  });

  test.each([
    ["absent", {}],
    ["null", { unschedulable: null }],
    ["false", { unschedulable: false }],
  ])("spec.unschedulable %s means schedulable", (_name, spec) => {
    expect(parseNode({ metadata: { name: "n1" }, spec }, "o").unschedulable).toBe(false);
  });

  test("absent and null maps are empty", () => {
    const node = parseNode({ metadata: { name: "n1", annotations: null }, spec: null, status: null }, "o");
    expect(node).toMatchObject({ hasAnnotations: false, unschedulable: false, bootID: "" });
  });

  test("a deletion timestamp is seen", () => {
    expect(
      parseNode({ metadata: { name: "n1", deletionTimestamp: "2026-11-21T09:00:00Z" } }, "o").deleting,
    ).toBe(true);
    expect(parseNode({ metadata: { name: "n1", deletionTimestamp: null } }, "o").deleting).toBe(false);
  });

  test("keys named like object internals do no harm", () => {
    const raw: unknown = JSON.parse(
      '{"metadata":{"name":"n1","annotations":{"__proto__":"x","constructor":"y"}}}',
    );
    expect(parseNode(raw, "o").annotations.size).toBe(0);
  });

  test.each([
    ["no object", 5, "o: expected an object, got number"],
    ["a list", [], "o: expected an object, got an array"],
    ["no metadata", {}, "o.metadata: expected an object, got undefined"],
    [
      "annotations as a list",
      { metadata: { annotations: [] } },
      "o.metadata.annotations: expected an object",
    ],
    [
      "a lock that is no text",
      { metadata: { annotations: { [LOCK_ANNOTATION]: 1 } } },
      "reboot-lock]: expected a string",
    ],
    [
      "unschedulable as text",
      { metadata: {}, spec: { unschedulable: "true" } },
      "o.spec.unschedulable: expected true",
    ],
    [
      "a boot ID that is no text",
      { metadata: {}, status: { nodeInfo: { bootID: 1 } } },
      "bootID: expected a string",
    ],
  ])("names the field of %s", (_name, raw, message) => {
    expect(() => parseNode(raw, "o")).toThrow(message);
  });
});

test("what autoscalers read is kept too, without being asked for", () => {
  const annotations = {
    "cluster-autoscaler.kubernetes.io/scale-down-disabled": "true",
    "karpenter.sh/do-not-disrupt": "false",
    "karpenter.sh/nodepool": "default",
  };
  const view = parseNode({ metadata: { name: "n1", annotations } }, "request.object");
  expect([...view.annotations.keys()]).toEqual(Object.keys(annotations).slice(0, 2));
});

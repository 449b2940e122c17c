import { describe, expect, test } from "vitest";
import { events, nodes } from "../objects/resource.ts";
import { selectorOf } from "./selector.ts";

const node = {
  metadata: { name: "n1", labels: { role: "edge", zone: "a" } },
  spec: { unschedulable: true },
};

describe("selectorOf()", () => {
  test.each([
    ["labelSelector", "role=edge", true],
    ["labelSelector", "role==edge,zone!=a", false],
    ["labelSelector", "role", true],
    ["labelSelector", "!role", false],
    ["labelSelector", "!constructor", true],
    ["labelSelector", "zone in (a, b),role notin (x)", true],
    ["labelSelector", "zone notin (a, b)", false],
    ["labelSelector", "missing!=x", true],
    ["labelSelector", "missing notin (x)", true],
    ["labelSelector", "missing in (x)", false],
    ["fieldSelector", "metadata.name=n1", true],
    ["fieldSelector", "metadata.name!=n1", false],
    ["fieldSelector", "spec.unschedulable=true,metadata.name=n1", true],
    ["fieldSelector", "spec.unschedulable=false", false],
  ])("%s %s: %s", (kind, text, expected) => {
    expect(selectorOf(nodes, new URLSearchParams({ [kind]: text }))(node)).toBe(expected);
  });

  test("finds events by what they are about", () => {
    const query = new URLSearchParams({ fieldSelector: "involvedObject.kind=Node,source=test" });
    expect(
      selectorOf(events, query)({ involvedObject: { kind: "Node" }, source: { component: "test" } }),
    ).toBe(true);
  });

  test.each([
    ["fieldSelector", "spec.podCIDR=x", "field label not supported: spec.podCIDR"],
    ["fieldSelector", "metadata.name", "invalid selector"],
    ["labelSelector", "a b", "unable to parse requirement"],
  ])("refuses %s %s", (kind, text, message) => {
    expect(() => selectorOf(nodes, new URLSearchParams({ [kind]: text }))).toThrow(message);
  });
});

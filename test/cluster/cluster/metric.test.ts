import { describe, expect, test } from "vitest";
import { sumMetric } from "./metric.ts";

const text = `# HELP calls_total Calls.
# TYPE calls_total counter
calls_total{name="guard",operation="UPDATE"} 3
calls_total{name="guard",operation="DELETE"} 4
calls_total{name="say \\"hi\\"",operation="UPDATE"} 10
calls_total_other{name="guard"} 100
up 1
seconds_sum{name="guard"} 1.5e-3
`;

describe("the sum of a metric's samples", () => {
  test.each([
    ["takes every sample without labels to match", "calls_total", {}, 17],
    ["takes those with one label's value", "calls_total", { name: "guard" }, 7],
    ["takes those with all labels' values", "calls_total", { name: "guard", operation: "DELETE" }, 4],
    ["reads escaped label values", "calls_total", { name: 'say "hi"' }, 10],
    ["reads samples without labels", "up", {}, 1],
    ["reads exponents", "seconds_sum", {}, 0.0015],
    ["is 0 for an unknown metric", "calls", {}, 0],
    ["is 0 for an unknown label", "calls_total", { user: "guard" }, 0],
  ])("%s", (_name, metric, labels, expected) => {
    expect(sumMetric(text, metric, labels)).toBe(expected);
  });
});

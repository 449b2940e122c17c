import { expect, test } from "vitest";
import { reportOf } from "./report.ts";

test("compares the medians, and rounds that were measured side by side", () => {
  const { result, text } = reportOf(
    [
      { side: "bare", millis: 1_000 },
      { side: "pass", millis: 1_300 },
      { side: "pass", millis: 2_400 },
      { side: "bare", millis: 2_000 },
    ],
    500,
    "1.6.20",
  );
  expect(result).toMatchObject({ ratio: 1.233, ours: 1850, reference: 1500, unit: "ms", n: 1000 });
  expect(result["pairRatios"]).toEqual([1.3, 1.2]);
  expect(text).toContain("ratio 1.233 on containerd 1.6.20");
});

import { expect, test } from "vitest";
import { reportOf } from "./report.ts";

test("compares the medians, and tells of the lock, the plugin and the memory", () => {
  const { result, text } = reportOf({
    leases: 20_000,
    rounds: [
      { side: "find", millis: 400, files: 40_000 },
      { side: "pass", millis: 600, files: 40_000 },
      { side: "pass", millis: 1_000, files: 40_000 },
      { side: "find", millis: 500, files: 40_000 },
    ],
    adds: [
      { when: "before", millis: [100, 200, 300] },
      { when: "after", millis: [2] },
    ],
    heldMillis: [10, 20, 60],
    memory: { files: 100_000, peakOverMebibytes: 8.26, afterOverMebibytes: 1 },
  });
  expect(result).toMatchObject({ ratio: 1.778, ours: 800, reference: 450, unit: "ms", n: 40_000 });
  expect(result["pairRatios"]).toEqual([1.5, 2]);
  expect(result["addMillis"]).toEqual({ before: 200, after: 2 });
  expect(result["lockHeldMillis"]).toEqual({ median: 20, most: 60 });
  expect(text).toContain(
    "100000 files, half of them stale leases and half their caches: 8.3 MiB over the baseline at the peak, 1.0 after",
  );
});

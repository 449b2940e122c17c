import { expect, test } from "vitest";
import { createRequestDeadline } from "./request-deadline.ts";

test.each([
  ["3 s less a tenth, as the API server sends it", "timeout=3s", 2_700],
  ["2 s less 200 ms at least", "timeout=2s", 1_800],
  ["a fraction, as Go writes it", "timeout=1.5s", 1_300],
  ["never less than half", "timeout=100ms", 50],
  ["a second less at most", "timeout=30s&x=1", 20_000],
  ["one that comes with other parameters", "dryRun=All&timeout=3s", 2_700],
  ["no query", "", 20_000],
  ["a query without it", "dryRun=All", 20_000],
  ["nonsense", "timeout=soon", 20_000],
  ["zero", "timeout=0s", 20_000],
  ["negative", "timeout=-3s", 20_000],
  ["more than the server allows", "timeout=10m", 20_000],
])("deadline for %s", (_name, query, millis) => {
  expect(createRequestDeadline(20_000)(query)).toBeCloseTo(millis);
});

test("answers each query by itself, also one that comes back", () => {
  const deadline = createRequestDeadline(20_000);
  expect(["timeout=3s", "timeout=2s", "timeout=3s", ""].map(deadline)).toEqual([2_700, 1_800, 2_700, 20_000]);
});

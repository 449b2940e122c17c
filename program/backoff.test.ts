import { expect, test } from "vitest";
import { backoffMillis } from "./backoff.ts";

const bounds = { firstMillis: 1_000, maxMillis: 60_000 };

test.each([
  [1, 500, 1_000],
  [2, 1_000, 2_000],
  [6, 16_000, 32_000],
  [7, 30_000, 60_000],
  [5_000, 30_000, 60_000],
])("after failure %i the wait lies between %i and %i ms", (failures, least, most) => {
  expect(backoffMillis(failures, bounds, 0)).toBe(least);
  expect(backoffMillis(failures, bounds, 1)).toBe(most);
});

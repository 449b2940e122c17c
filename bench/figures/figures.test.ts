import { expect, test } from "vitest";
import { median, quantile, rounded } from "./quantile.ts";
import { renderTable } from "./table.ts";

test.each([
  [[7], 0.5, 7],
  [[3, 1, 2], 0.5, 2],
  [[4, 1, 3, 2], 0.5, 2.5],
  [[10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0], 0.9, 9],
  [[1, 2], 0, 1],
  [[1, 2], 1, 2],
])("of %j the share %f lies below %f", (samples, part, expected) => {
  expect(quantile(samples, part)).toBeCloseTo(expected, 10);
});

test("samples keep their order and numbers sort as numbers", () => {
  const samples = [10, 9, 100];
  expect(median(samples)).toBe(10);
  expect(samples).toEqual([10, 9, 100]);
});

test("there is no quantile of nothing", () => {
  expect(() => median([])).toThrow(RangeError);
});

test.each([
  [1234.5678, 1234.6],
  [0.98765, 0.988],
  [-0.12345, -0.123],
])("%f is printed as %f", (value, expected) => expect(rounded(value)).toBe(expected));

test("a table has its first column left and the others right", () => {
  expect(
    renderTable(
      ["", "p50"],
      [
        ["ours", "1"],
        ["bare", "10.5"],
      ],
    ),
  ).toBe("       p50\nours     1\nbare  10.5");
});

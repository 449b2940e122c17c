import { expect, test } from "vitest";
import { sameJson } from "./same-json.ts";

test.each<[unknown, unknown, boolean]>([
  [{ a: 1, b: [1, { c: null }] }, { b: [1, { c: null }], a: 1 }, true],
  [Number.NaN, Number.NaN, true],
  [[], [], true],
  [{}, {}, true],
  [0, -0, false],
  [1, "1", false],
  [1, 1n, false],
  [null, undefined, false],
  [[], {}, false],
  [[1], [1, 2], false],
  [[1, 2], [2, 1], false],
  [{ a: 1 }, { b: 1 }, false],
  [{ a: undefined }, { b: undefined }, false],
  [{ a: 1 }, { a: 1, b: 1 }, false],
  [{ a: 1, b: 1 }, { a: 1 }, false],
  [{ a: { b: 1 } }, { a: { b: 2 } }, false],
  [{ a: 1 }, null, false],
])("%o and %o: %s", (one, other, expected) => {
  expect(sameJson(one, other)).toBe(expected);
  expect(sameJson(other, one)).toBe(expected);
});

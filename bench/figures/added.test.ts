import { describe, expect, test } from "vitest";
import { addedMillis, addedRatio, type RoundLatencies } from "./added.ts";
import { shuffled } from "./shuffle.ts";

const names = { base: "nothing", ours: "ours", reference: "reference" };

function round(nothing: number[], ours: number[], reference: number[]): RoundLatencies {
  return new Map([
    ["nothing", nothing],
    ["ours", ours],
    ["reference", reference],
  ]);
}

describe("the ratio of added latencies", () => {
  test("leaves out what a request costs without anybody being asked", () => {
    const { ratio, oursMillis, referenceMillis } = addedRatio([round([10], [11], [12])], names);
    expect([ratio, oursMillis, referenceMillis]).toEqual([0.5, 1, 2]);
  });

  test("takes the samples of all rounds together, not the mean of ratios", () => {
    const rounds = [
      round([10, 10, 10], [11, 11, 11], [12, 12, 12]),
      round([10, 10, 10], [11, 11, 14], [12, 12, 11]),
    ];
    expect(addedRatio(rounds, names).ratio).toBe(0.5);
  });

  test("shows how far single rounds lie apart", () => {
    const rounds = [1, 2, 3, 4, 5].map((ours) => round([10], [10 + ours], [20]));
    const [q1, middle, q3] = addedRatio(rounds, names).perRound;
    expect(q1).toBeCloseTo(0.2);
    expect(middle).toBeCloseTo(0.3);
    expect(q3).toBeCloseTo(0.4);
  });

  test("counts a round in which the reference seems free against us", () => {
    const rounds = [round([10], [11], [12]), round([10], [11], [9]), round([10], [11], [13])];
    expect(addedRatio(rounds, names).perRound[2]).toBe(Number.POSITIVE_INFINITY);
  });

  test("is none where the reference adds nothing", () => {
    expect(() => addedRatio([round([10], [11], [10])], names)).toThrow(/reference adds nothing/);
  });

  test("is none of an answerer that was not measured", () => {
    expect(() => addedRatio([round([10], [], [12])], names)).toThrow(RangeError);
  });
});

test("a higher quantile is compared with the same one of nothing", () => {
  expect(addedMillis([round([1, 2, 3], [4, 6, 9], [0])], "nothing", "ours", 1)).toBe(6);
});

describe("shuffled", () => {
  test("keeps every item and the given list", () => {
    const items = [1, 2, 3, 4, 5];
    const order = shuffled(items, () => 0.999);
    expect(order).toEqual([5, 4, 3, 2, 1]);
    expect(items).toEqual([1, 2, 3, 4, 5]);
  });

  test("gives each order the same chance", () => {
    // Every value a die of 3 and then one of 2 sides can show, once.
    const orders = [0, 1, 2].flatMap((first) =>
      [0, 1].map((second) => {
        const dice = [first / 3 + 0.1, second / 2 + 0.1, 0];
        return shuffled(["a", "b", "c"], () => dice.shift() ?? 0).join("");
      }),
    );
    expect(new Set(orders)).toEqual(new Set(["abc", "acb", "bac", "bca", "cab", "cba"]));
  });
});

import { expect, test } from "vitest";
import { clockOffset } from "./clock-offset.ts";

test.each([
  ["right clocks stay right early in the second", 0, [5_000, 5_001, 5_003], 0],
  ["and late in it", 0, [5_000, 5_990, 5_998], 0],
  ["a server that is an hour ahead", 0, [3_605_000, 5_200, 5_210], 3_599_790],
  ["a server that is an hour behind", 0, [-3_595_000, 5_200, 5_210], -3_599_201],
  ["what was believed and still fits stays", 400, [5_000, 5_200, 5_210], 400],
  ["what was believed moves no further than it must", 900, [5_000, 5_200, 5_210], 799],
  ["our clock was set back by ten seconds", 0, [15_000, 5_200, 5_210], 9_790],
  ["a slow answer tells little, and changes little", 0, [9_000, 5_000, 12_000], 0],
])("%s", (_what, believed, [serverMillis = 0, sentMillis = 0, receivedMillis = 0], expected) => {
  expect(clockOffset(believed, { serverMillis, sentMillis, receivedMillis })).toBe(expected);
});

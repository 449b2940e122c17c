import { expect, test } from "vitest";
import { foundIn } from "./fixture.ts";
import { undecodableNumbers } from "./numbers.ts";

// What passes stands beside what does not: the edges of Go's types.
test.each<[unknown, readonly string[]]>([
  [1, []],
  [300, []],
  [300n, []],
  [4_294_967_295, []],
  [4_294_967_295n, []],
  [0, ["timeout-missing"]],
  [0n, ["timeout-missing"]],
  [undefined, ["timeout-missing"]],
  [null, ["timeout-missing"]],
  [-1, ["number-range"]],
  [-1n, ["number-range"]],
  [-0, ["number-range"]],
  [4_294_967_296, ["number-range"]],
  [4_294_967_296n, ["number-range"]],
  [9_007_199_254_740_993n, ["number-range"]],
  [1e21, ["number-range"]],
  [1.5, ["number-range"]],
  [Number.NaN, ["number-range"]],
  [Number.POSITIVE_INFINITY, ["number-range"]],
  ["300", ["field-type"]],
  [true, ["field-type"]],
  [[300], ["field-type"]],
])("timeoutSeconds %s: %j", (timeoutSeconds, rules) => {
  expect(foundIn({ timeoutSeconds })).toEqual(rules.map((rule) => `${rule} timeoutSeconds`));
});

test.each<[unknown, readonly string[]]>([
  [0, []],
  [-0, []],
  [1, []],
  [2_147_483_647, []],
  [2_147_483_648, ["number-range"]],
  [3_000_000_000, ["number-range"]],
  [-1, ["concurrency-negative"]],
  [-2_147_483_648, ["concurrency-negative"]],
  [-2_147_483_648n, ["concurrency-negative"]],
  [-2_147_483_649, ["number-range"]],
  [-2_147_483_649n, ["number-range"]],
  [0.5, ["number-range"]],
  ["1", ["field-type"]],
])("concurrency %s: %j", (concurrency, rules) => {
  expect(foundIn({ concurrency })).toEqual(rules.map((rule) => `${rule} concurrency`));
});

test.each<[unknown, readonly string[]]>([
  [0, []],
  [600, []],
  [601, ["retries-many"]],
  [2_147_483_647, ["retries-many"]],
  [2_147_483_648, ["number-range"]],
  [-1, ["retries-negative"]],
  [-2_147_483_648, ["retries-negative"]],
  [-2_147_483_649, ["number-range"]],
])("retryTimes %s beside a timeout of 300 s: %j", (retryTimes, rules) => {
  expect(foundIn({ retryTimes })).toEqual(rules.map((rule) => `${rule} retryTimes`));
});

test("retries without a timeout are measured against ten minutes", () => {
  expect(foundIn({ retryTimes: 1200, timeoutSeconds: 0 })).toEqual(["timeout-missing timeoutSeconds"]);
  expect(foundIn({ retryTimes: 1201, timeoutSeconds: 0 })).toEqual([
    "timeout-missing timeoutSeconds",
    "retries-many retryTimes",
  ]);
});

test("the poison that an update may cure", () => {
  const poison = undecodableNumbers({ timeoutSeconds: -1, concurrency: 3e9, retryTimes: -5 });
  expect([...poison]).toEqual([
    ["timeoutSeconds", -1],
    ["concurrency", 3e9],
  ]);
  expect(undecodableNumbers({ timeoutSeconds: 4_294_967_295, concurrency: null }).size).toBe(0);
});

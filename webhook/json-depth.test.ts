import { expect, test } from "vitest";
import { isDeeperThan } from "./json-depth.ts";

test.each([
  ["as deep as allowed", "[[[]]]", 3, false],
  ["one deeper", "[[[[]]]]", 3, true],
  ["lists and objects together", '{"a":[{"b":[1]}]}', 3, true],
  ["one after the other, not in each other", "[[],[],[],[]]", 2, false],
  ["brackets inside a string", '["[[[[[["]', 1, false],
  ["brackets after an escaped quote", '["\\"[[[[[["]', 1, false],
  ["brackets after an escaped backslash and a quote", '["\\\\",[[[]]]]', 2, true],
  ["never closed", "[".repeat(20_000), 10_000, true],
  ["not JSON at all", "]]]]}}}}", 1, false],
  ["nothing", "", 1, false],
])("%s", (_name, json, most, deeper) => {
  expect(isDeeperThan(Buffer.from(json), most)).toBe(deeper);
});

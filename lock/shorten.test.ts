import { expect, test } from "vitest";
import { shorten } from "./shorten.ts";

test.each([
  ["leaves what fits", "abcdef", 6, "abcdef"],
  ["cuts what does not, and says so", "abcdefg", 6, "abc..."],
  ["counts a surrogate pair as one character", "🔒🔒🔒🔒🔒🔒", 6, "🔒🔒🔒🔒🔒🔒"],
  ["never cuts a pair in two", "🔒🔒🔒🔒🔒🔒🔒", 6, "🔒🔒🔒..."],
  ["leaves the empty text", "", 6, ""],
])("%s", (_name, text, most, expected) => {
  expect(shorten(text, most)).toBe(expected);
});

test("cuts a huge text without walking all of it", () => {
  expect(shorten("x".repeat(5_000_000), 120)).toBe(`${"x".repeat(117)}...`);
});

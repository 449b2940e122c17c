import { expect, test } from "vitest";
import { codeOf, reasonOf } from "./reason.ts";

test("a chain of causes reads as one line, without saying a thing twice", () => {
  const root = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
  const middle = new Error("write journal", { cause: root });
  const outer = new Error("write journal: ENOSPC: no space left on device, write", { cause: middle });
  expect(reasonOf(middle)).toBe("write journal: ENOSPC: no space left on device, write");
  expect(reasonOf(outer)).toBe("write journal: ENOSPC: no space left on device, write");
});

test.each([
  ["a string", "bus gone", "bus gone"],
  ["nothing", undefined, "unknown error"],
  ["an object", { a: 1 }, "unknown error"],
  ["an error without words", new TypeError(), "TypeError"],
  ["an error with a code alone", Object.assign(new Error(), { code: "ECONNREFUSED" }), "ECONNREFUSED"],
])("%s thrown still has words", (_what, thrown, words) => {
  expect(reasonOf(thrown)).toBe(words);
});

test("a circle of causes ends", () => {
  const one = new Error("one");
  const two = new Error("two", { cause: one });
  one.cause = two;
  expect(reasonOf(two)).toBe("two: one");
});

test("only a textual code is a code", () => {
  expect(codeOf(Object.assign(new Error("x"), { code: "EIO" }))).toBe("EIO");
  expect(codeOf(Object.assign(new Error("x"), { code: 5 }))).toBeUndefined();
  expect(codeOf(null)).toBeUndefined();
});

import { expect, test } from "vitest";
import { carriesOut } from "./lock-webhooks.ts";

test.each([
  ["enforce", true, true],
  ["enforce", false, false],
  ["warn", true, false],
  ["off", true, false],
] as const)("in mode %s, with carry-out-uncordons %s: %s", (guardMode, carryOutUncordons, expected) => {
  expect(carriesOut({ guardMode, carryOutUncordons })).toBe(expected);
});

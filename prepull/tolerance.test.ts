import { expect, test } from "vitest";
import { foundIn } from "./fixture.ts";
import { isTolerated, parseGoFloat } from "./tolerance.ts";

// Go's strconv.ParseFloat answered each of these; "-" is its syntax error.
test.each<readonly [string, number | undefined]>([
  ["0.1", 0.1],
  ["1e-1", 0.1],
  ["0x1p-1", 0.5],
  ["0X1P-1", 0.5],
  ["0x1.8p-1", 0.75],
  ["0x.8p0", 0.5],
  ["0x_1p-1", 0.5],
  ["0x1_0p-8", 0.0625],
  [".5", 0.5],
  ["5.", 5],
  ["00.5", 0.5],
  [`0.${"0".repeat(397)}1`, 0],
  ["+0.1", 0.1],
  ["-0", -0],
  ["1_0", 10],
  ["0_1", 1],
  ["1e1_0", 1e10],
  ["1e400", Number.POSITIVE_INFINITY],
  ["1e-400", 0],
  ["nan", Number.NaN],
  ["NaN", Number.NaN],
  ["inf", Number.POSITIVE_INFINITY],
  ["+INF", Number.POSITIVE_INFINITY],
  ["-infinity", Number.NEGATIVE_INFINITY],
  ...[
    ..."+nan -nan infinit 0x 0x1 0xp1 1e 1e+ 0b1 0o1 1p1 1__0 _1 1_ 0_.5 0._5 0x1_p0 0x_.8p0 --1 0.1f . abc 50% １".split(
      " ",
    ),
    "",
    " 1",
    "1 ",
    "1".repeat(401),
  ].map((text) => [text, undefined] as const),
])("ParseFloat(%j) = %s", (text, expected) => {
  expect(parseGoFloat(text)).toBe(expected);
});

test.each<[unknown, readonly string[]]>([
  [undefined, []],
  [null, []],
  ["", []],
  ["0", []],
  ["0.1", []],
  ["1e-1", []],
  ["0x1p-1", []],
  ["0.99", []],
  ["1", ["tolerance-always"]],
  ["1.01", ["tolerance-range"]],
  ["2", ["tolerance-range"]],
  ["-0", []],
  ["-0.1", ["tolerance-range"]],
  ["-1", ["tolerance-range"]],
  ["abc", ["tolerance-malformed"]],
  ["50%", ["tolerance-malformed"]],
  ["NaN", ["tolerance-not-finite"]],
  ["Inf", ["tolerance-not-finite"]],
  ["-Inf", ["tolerance-not-finite"]],
  [0.5, ["field-type"]],
])("failureTolerate %j: %j", (failureTolerate, rules) => {
  expect(foundIn({ failureTolerate })).toEqual(rules.map((rule) => `${rule} failureTolerate`));
});

// facts/kubeedge-observed.md B: 0 with 1 failed of 201 / of 200.
test.each([
  [0, 0, 0, true],
  [0, 7, 0, true],
  [1, 201, 0, true],
  [1, 200, 0, false],
  [1, 2, 0.5, true],
  [1, 2, 0.49, false],
  [6, 7, 0.85, false],
  [6, 7, 0.86, true],
])("%d of %d failed with tolerance %d: completed %s", (failed, total, tolerance, completed) => {
  expect(isTolerated(failed, total, tolerance)).toBe(completed);
});

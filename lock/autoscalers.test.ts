import { expect, test } from "vitest";
import {
  giveBack,
  keepAway,
  readAutoscalers,
  sameAutoscalers,
  type AutoscalersBefore,
} from "./autoscalers.ts";

const CA = "cluster-autoscaler.kubernetes.io/scale-down-disabled";
const KARPENTER = "karpenter.sh/do-not-disrupt";

const on = (annotations: Record<string, string>) => new Map(Object.entries(annotations));

test.each<
  [
    string,
    Record<string, string>,
    AutoscalersBefore | undefined,
    boolean,
    Record<string, string>,
    AutoscalersBefore | undefined,
  ]
>([
  [
    "nothing there",
    {},
    undefined,
    true,
    { [CA]: "true", [KARPENTER]: "true" },
    { [CA]: null, [KARPENTER]: null },
  ],
  [
    "values of somebody's",
    { [CA]: "false", [KARPENTER]: "custom" },
    undefined,
    true,
    { [CA]: "true", [KARPENTER]: "true" },
    { [CA]: "false", [KARPENTER]: "custom" },
  ],
  ["an empty value", { [CA]: "", [KARPENTER]: "true" }, undefined, true, { [CA]: "true" }, { [CA]: "" }],
  ["both away by somebody", { [CA]: "true", [KARPENTER]: "true" }, undefined, true, {}, undefined],
  [
    "both away by the lock that is taken over",
    { [CA]: "true", [KARPENTER]: "true" },
    { [CA]: "false", [KARPENTER]: null },
    true,
    {},
    { [CA]: "false", [KARPENTER]: null },
  ],
  [
    "one that was changed under the lock that is taken over",
    { [CA]: "0", [KARPENTER]: "true" },
    { [CA]: null, [KARPENTER]: null },
    true,
    { [CA]: "true" },
    { [CA]: "0", [KARPENTER]: null },
  ],
  ["nothing there, and none are kept away", {}, undefined, false, {}, undefined],
  [
    "a lock taken over, and none are kept away any more",
    { [CA]: "true" },
    { [CA]: null, [KARPENTER]: null },
    false,
    {},
    { [CA]: null },
  ],
  [
    "a value that is too long to keep",
    { [CA]: "x".repeat(257), [KARPENTER]: "x".repeat(256) },
    undefined,
    true,
    { [KARPENTER]: "true" },
    { [KARPENTER]: "x".repeat(256) },
  ],
])("a new lock meets %s", (_name, annotations, held, keep, written, before) => {
  const kept = keepAway(on(annotations), held, keep);
  expect(Object.fromEntries(kept.annotations)).toEqual(written);
  expect(kept.before).toEqual(before);
});

test.each<[string, AutoscalersBefore | undefined, Record<string, string>, Record<string, string | null>]>([
  [
    "what was not there goes",
    { [CA]: null, [KARPENTER]: null },
    { [CA]: "true", [KARPENTER]: "true" },
    { [CA]: null, [KARPENTER]: null },
  ],
  [
    "what was there comes back",
    { [CA]: "false", [KARPENTER]: "" },
    { [CA]: "true", [KARPENTER]: "true" },
    { [CA]: "false", [KARPENTER]: "" },
  ],
  [
    "what somebody has changed or removed since stays",
    { [CA]: "false", [KARPENTER]: null },
    { [CA]: "1" },
    {},
  ],
  [
    "what the lock has not changed stays",
    { [CA]: null },
    { [CA]: "true", [KARPENTER]: "true" },
    { [CA]: null },
  ],
  [
    "a lock that has changed nothing gives nothing back",
    undefined,
    { [CA]: "true", [KARPENTER]: "true" },
    {},
  ],
])("at the end of a lock, %s", (_name, before, annotations, expected) => {
  expect(Object.fromEntries(giveBack(before, on(annotations)))).toEqual(expected);
});

test("giving back twice changes nothing the second time", () => {
  const before = { [CA]: "false", [KARPENTER]: null };
  const annotations = on({ [CA]: "true", [KARPENTER]: "true" });
  for (const [key, value] of giveBack(before, annotations)) {
    if (value === null) annotations.delete(key);
    else annotations.set(key, value);
  }
  expect(annotations).toEqual(on({ [CA]: "false" }));
  expect(giveBack(before, annotations)).toEqual(new Map());
});

test.each<[string, unknown, AutoscalersBefore | undefined]>([
  ["both", { [CA]: "false", [KARPENTER]: null }, { [CA]: "false", [KARPENTER]: null }],
  ["none", {}, {}],
  ["a key that is not ours", { "example.com/x": "y", [CA]: null }, { [CA]: null }],
  ["a number", { [CA]: 1 }, undefined],
  ["an object in it", { [KARPENTER]: {} }, undefined],
  ["a list", [], undefined],
  ["null", null, undefined],
  ["a text", "true", undefined],
])("a record with %s is read", (_name, value, expected) => {
  expect(readAutoscalers(value)).toEqual(expected);
});

test("a prototype's keys are not read", () => {
  expect(readAutoscalers(JSON.parse(`{"__proto__":{"${CA}":"evil"}}`))).toEqual({});
});

test.each<[AutoscalersBefore | undefined, AutoscalersBefore | undefined, boolean]>([
  [undefined, undefined, true],
  [undefined, {}, true],
  [{ [CA]: null }, { [CA]: null }, true],
  [{ [CA]: null }, undefined, false],
  [{ [CA]: null }, { [CA]: "" }, false],
  [{ [CA]: "a" }, { [CA]: "a", [KARPENTER]: null }, false],
])("%j and %j are the same: %s", (one, other, expected) => {
  expect(sameAutoscalers(one, other)).toBe(expected);
});

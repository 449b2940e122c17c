import jsonPatch from "fast-json-patch";
import { expect, test } from "vitest";
import { defaultsPatch } from "./defaults.ts";
import { specWith, template } from "./fixture.ts";
import { checkSpec } from "./spec.ts";

const ALL = { timeoutSeconds: 300, checkItems: ["disk"], failureTolerate: "0.1" };

test.each<[object, object]>([
  [{ timeoutSeconds: undefined }, ALL],
  [{ timeoutSeconds: 0 }, ALL],
  [{ timeoutSeconds: null, checkItems: null, failureTolerate: null }, ALL],
  [{ checkItems: [], failureTolerate: "" }, ALL],
  [{ timeoutSeconds: 60 }, { ...ALL, timeoutSeconds: 60 }],
  [
    { timeoutSeconds: -1, checkItems: ["gpu"], failureTolerate: "0" },
    { timeoutSeconds: -1, checkItems: ["gpu"], failureTolerate: "0" },
  ],
])("%j becomes %j", (part, expected) => {
  const job = { spec: specWith({ ...part }) };
  const patched = jsonPatch.applyPatch(job, [...defaultsPatch(job.spec)], true, false).newDocument;
  expect(patched).toEqual({ spec: { imagePrePullTemplate: template({ ...part, ...expected }) } });
});

test("with the defaults, no rule asks for a timeout", () => {
  const job = { spec: specWith({ timeoutSeconds: undefined }) };
  const patched = jsonPatch.applyPatch(job, [...defaultsPatch(job.spec)], true, false).newDocument;
  expect(checkSpec(patched.spec).findings).toEqual([]);
});

test.each([undefined, null, 7, [], {}, { imagePrePullTemplate: null }, { imagePrePullTemplate: "x" }])(
  "nothing is set in %j",
  (spec) => {
    expect(defaultsPatch(spec)).toEqual([]);
  },
);

import { expect, test } from "vitest";
import { foundIn, named, specWith } from "./fixture.ts";
import { checkSpec } from "./spec.ts";

test("nothing is found in the spec of the fixtures", () => {
  expect(checkSpec(specWith()).findings).toEqual([]);
});

test.each<[unknown, readonly string[]]>([
  [undefined, ["template-missing spec"]],
  [null, ["template-missing spec"]],
  [{}, ["template-missing spec.imagePrePullTemplate"]],
  [{ imagePrePullTemplate: null }, ["template-missing spec.imagePrePullTemplate"]],
  [{ imagePrePullTemplate: [] }, ["field-type spec.imagePrePullTemplate"]],
  [{ imagePrePullTemplate: "x" }, ["field-type spec.imagePrePullTemplate"]],
  [
    { imagePrePullTemplate: {} },
    ["timeout-missing timeoutSeconds", "images-missing images", "targets-missing nodeNames"],
  ],
  ["x", ["field-type spec"]],
  [7, ["field-type spec"]],
  [[], ["field-type spec"]],
])("spec %j: %j", (spec, expected) => {
  expect(named(checkSpec(spec).findings)).toEqual(expected);
});

test.each<[object, readonly string[]]>([
  [{ checkItems: ["cpu", "mem", "disk"] }, ["check-item-cpu checkItems[0]"]],
  [{ checkItems: ["mem", "disk"] }, []],
  [{ checkItems: [] }, []],
  [{ checkItems: ["gpu"] }, ["check-item-unknown checkItems[0]"]],
  [{ checkItems: ["disk", "Disk"] }, ["check-item-unknown checkItems[1]"]],
  [{ checkItems: [""] }, ["check-item-unknown checkItems[0]"]],
  [{ checkItems: "disk" }, ["field-type checkItems"]],
  [{ imageSecrets: "default/regcred" }, []],
  [{ imageSecrets: `${"a".repeat(63)}/${"b".repeat(253)}` }, []],
  [{ imageSecrets: "" }, []],
  [{ imageSecrets: "x" }, ["secret-malformed imageSecrets"]],
  [{ imageSecrets: "a/b/c" }, ["secret-malformed imageSecrets"]],
  [{ imageSecrets: "/x" }, ["secret-malformed imageSecrets"]],
  [{ imageSecrets: "ns/" }, ["secret-malformed imageSecrets"]],
  [{ imageSecrets: "/" }, ["secret-malformed imageSecrets"]],
  [{ imageSecrets: "ns.dot/x" }, ["secret-malformed imageSecrets"]],
  [{ imageSecrets: "ns/Upper" }, ["secret-malformed imageSecrets"]],
  [{ imageSecrets: `${"a".repeat(64)}/b` }, ["secret-malformed imageSecrets"]],
  [{ imageSecrets: ["a/b"] }, ["field-type imageSecrets"]],
  [{ nodes: ["edge1"] }, ["field-unknown nodes"]],
  [{ imageSecret: "a/b" }, ["field-unknown imageSecret"]],
])("%j: %j", (part, expected) => {
  expect(foundIn({ ...part })).toEqual(expected);
});

test("an old field's new name is told", () => {
  const [found] = checkSpec(specWith({ timeoutSecondsOnEachNode: 3 })).findings;
  expect(found).toMatchObject({ problem: "Forbidden", text: "unknown field; it is called timeoutSeconds" });
  const [other] = checkSpec(specWith({ constructor: 3 })).findings;
  expect(other?.text).toContain("unknown field; expected one of images, nodeNames,");
});

test("all that is wrong is found at once, and what harms others comes first", () => {
  const found = foundIn({
    timeoutSeconds: -1,
    concurrency: 3e9,
    retryTimes: -1,
    images: ["", "bad image!!"],
    nodeNames: ["edge1", "edge1"],
    checkItems: ["gpu"],
    failureTolerate: "abc",
    imageSecrets: "x",
  });
  expect(found).toEqual([
    "number-range timeoutSeconds",
    "number-range concurrency",
    "retries-negative retryTimes",
    "image-empty images[0]",
    "image-malformed images[1]",
    "node-name-duplicate nodeNames[1]",
    "check-item-unknown checkItems[0]",
    "tolerance-malformed failureTolerate",
    "secret-malformed imageSecrets",
  ]);
});

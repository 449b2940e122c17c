import { expect, test } from "vitest";
import { makeDice } from "../program/testing/dice.ts";
import { named } from "./fixture.ts";
import { readManifests } from "./manifest.ts";
import { checkSpec } from "./spec.ts";

function manifest(template: string, version = "v1alpha2"): string {
  return `apiVersion: operations.kubeedge.io/${version}\nkind: ImagePrePullJob\nmetadata: {name: pull1}\nspec:\n  imagePrePullTemplate:\n${template.replace(/^/gm, "    ")}\n`;
}

const GOOD = 'images: ["nginx:1.27"]\nnodeNames: [edge1]';

function foundIn(text: string): readonly string[] {
  return readManifests(text).flatMap((read) =>
    read.kind === "job" ? named(checkSpec(read.spec).findings) : [`${read.kind} line ${read.line}`],
  );
}

// As sigs.k8s.io/yaml hands it to the API server.
test.each([
  ["300", []],
  ["0x12c", []],
  ["0454", []],
  ["1_000", []],
  ["3e2", []],
  ["300.0", []],
  ["4294967295", []],
  ["4294967296", ["number-range"]],
  ["9007199254740993", ["number-range"]],
  ["99999999999999999999999", ["number-range"]],
  ["-1", ["number-range"]],
  ["1.5", ["number-range"]],
  [".nan", ["number-range"]],
  [".inf", ["number-range"]],
  ['"300"', ["field-type"]],
  ["1:30", ["field-type"]],
  ["2026-11-21", ["field-type"]],
  ["yes", ["field-type"]],
])("timeoutSeconds: %s %j", (value, rules) => {
  expect(foundIn(manifest(`${GOOD}\ntimeoutSeconds: ${value}`))).toEqual(
    rules.map((rule) => `${rule} timeoutSeconds`),
  );
});

test("a large number keeps its digits", () => {
  const [read] = readManifests(manifest(`${GOOD}\ntimeoutSeconds: 9007199254740993`));
  const found = read?.kind === "job" ? checkSpec(read.spec).findings : [];
  expect(found[0]?.shown).toBe("9007199254740993");
});

test("names, versions and lines", () => {
  const text = `# two\n---\n${manifest(`images:\n- nginx:1.27\n- "bad image"\nnodeNames: [edge1]`, "v1alpha1")}`;
  const [read] = readManifests(text);
  expect(read).toMatchObject({ kind: "job", name: "pull1", version: "v1alpha1" });
  const lineOf = read?.kind === "job" ? read.lineOf : () => 0;
  expect(lineOf("spec.imagePrePullTemplate.images[1]")).toBe(10);
  expect(lineOf("spec.imagePrePullTemplate.timeoutSeconds")).toBe(8);
  expect(lineOf("metadata.name")).toBe(5);
  expect(lineOf("")).toBe(3);
});

test("several documents, lists, other kinds, broken text", () => {
  const job = manifest(`${GOOD}\ntimeoutSeconds: 300`);
  const other = "apiVersion: v1\nkind: ConfigMap\n";
  expect(readManifests([job, other, "", job].join("---\n")).map(({ kind }) => kind)).toEqual([
    "job",
    "other",
    "job",
  ]);
  const list = JSON.stringify({
    apiVersion: "v1",
    kind: "List",
    items: [
      { apiVersion: "operations.kubeedge.io/v1alpha2", kind: "ImagePrePullJob", spec: {} },
      { kind: "Pod" },
    ],
  });
  expect(foundIn(list)).toEqual(["template-missing spec.imagePrePullTemplate", "other line 1"]);
  expect(readManifests("")).toEqual([]);
  expect(readManifests("# nothing\n")).toEqual([]);
  expect(readManifests("a: [\n")).toMatchObject([{ kind: "broken" }]);
  expect(readManifests("a: 1\na: 2\n")).toMatchObject([{ kind: "broken", line: 2 }]);
  expect(readManifests("a: *b\n")).toMatchObject([{ kind: "broken" }]);
  expect(readManifests(manifest(GOOD, "v1"))).toMatchObject([
    {
      kind: "broken",
      line: 1,
      problem: 'apiVersion "operations.kubeedge.io/v1": expected operations.kubeedge.io/v1alpha2',
    },
  ]);
});

test("no text throws", () => {
  const dice = makeDice(9);
  const pieces = [
    "---\n",
    "a: ",
    "b\n",
    "- ",
    "[",
    "{",
    "}",
    "]",
    "&x ",
    "*x",
    "!!",
    "|\n",
    "\t",
    '"',
    "'",
    ": ",
    "\u0000",
    "<<: ",
    "0x",
    "spec: ",
  ];
  for (let round = 0; round < 3_000; round += 1) {
    const text = Array.from(
      { length: Math.floor(dice() * 12) },
      () => pieces[Math.floor(dice() * pieces.length)],
    ).join("");
    expect(Array.isArray(readManifests(text))).toBe(true);
  }
});

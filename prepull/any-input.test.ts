/** Whatever comes in: nothing throws, and what is accepted can be read by every typed client. */
import { expect, test } from "vitest";
import { makeDice } from "../program/testing/dice.ts";
import { decide, type PrepullSettings } from "./decide.ts";
import { defaultsPatch } from "./defaults.ts";
import { factsWith, nodeFact, rawJob } from "./fixture.ts";
import { NO_FACTS } from "./facts.ts";
import { readJob } from "./job.ts";
import { refusalText, warningTexts } from "./message.ts";
import { readNodeFact, readSecretForm } from "./read-facts.ts";

const settings: PrepullSettings = { mode: "enforce", warnOnly: new Set(), controllers: new Set() };
const FIELDS =
  "images nodeNames labelSelector checkItems failureTolerate concurrency timeoutSeconds imageSecrets retryTimes".split(
    " ",
  );

type Dice = () => number;

function pick<T>(dice: Dice, items: readonly T[]): T | undefined {
  return items[Math.floor(dice() * items.length)];
}

const NUMBERS = [
  0,
  -0,
  1,
  -1,
  300,
  2 ** 31 - 1,
  2 ** 31,
  -(2 ** 31),
  -(2 ** 31) - 1,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 53,
  1e21,
  0.5,
  3e9,
];
const BIGINTS = [0n, 5n, -1n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 64n];
const TEXTS = [
  "",
  "a",
  "edge1",
  "nginx",
  "nginx:1.27",
  "bad image!!",
  "0.1",
  "NaN",
  "a/b",
  "cpu",
  "disk",
  "In",
  "Exists",
  "__proto__",
  "\u0000",
  "\ud800",
  "a\n",
];
const KEYS = [
  ...FIELDS,
  "matchLabels",
  "matchExpressions",
  "key",
  "operator",
  "values",
  "__proto__",
  "constructor",
  "length",
  "",
];

function anyValue(dice: Dice, depth: number): unknown {
  const kind = Math.floor(dice() * (depth > 3 ? 5 : 8));
  if (kind === 0) return pick(dice, NUMBERS);
  if (kind === 1) return pick(dice, TEXTS);
  if (kind === 2) return pick(dice, [null, undefined, true, false]);
  if (kind === 3) return pick(dice, BIGINTS);
  if (kind === 4) return pick<unknown>(dice, [Number.NaN, Number.POSITIVE_INFINITY, "x".repeat(5000)]);
  const count = Math.floor(dice() * 4);
  if (kind === 5) return Array.from({ length: count }, () => anyValue(dice, depth + 1));
  const entries = Array.from(
    { length: count },
    () => [pick(dice, KEYS) ?? "", anyValue(dice, depth + 1)] as const,
  );
  return Object.fromEntries(entries);
}

/** Mostly of the right shape, so that some are accepted. */
function likelyTemplate(dice: Dice): Record<string, unknown> {
  const likely: Readonly<Record<string, readonly unknown[]>> = {
    images: [["nginx:1.27"], ["quay.io/a/b:1", "nginx:1.27"], []],
    nodeNames: [["edge1"], ["edge1", "edge2"], undefined],
    labelSelector: [undefined, undefined, undefined, { matchLabels: { a: "b" } }],
    checkItems: [undefined, ["disk"], null],
    failureTolerate: [undefined, "0.1", "0x1p-2", ""],
    concurrency: [undefined, ...NUMBERS, ...BIGINTS],
    timeoutSeconds: [undefined, ...NUMBERS, ...BIGINTS],
    imageSecrets: [undefined, "a/b", ""],
    retryTimes: [undefined, 0, 1, ...NUMBERS],
  };
  return Object.fromEntries(
    FIELDS.map((field) => [field, dice() < 0.03 ? anyValue(dice, 2) : pick(dice, likely[field] ?? [])]),
  );
}

const FACTS = [
  NO_FACTS,
  factsWith({ nodes: [nodeFact("edge1"), nodeFact("cloud1", { edge: false })], oldRuntime: "on" }),
];

test("no value of any shape throws, and every answer can be put into words", () => {
  const dice = makeDice(6);
  const refusals: string[] = [];
  for (let round = 0; round < 4_000; round += 1) {
    const sides = [1, 2].map(() =>
      dice() < 0.3
        ? anyValue(dice, 0)
        : rawJob({ spec: { imagePrePullTemplate: anyValue(dice, 1) }, status: anyValue(dice, 1) }),
    );
    const [old, job] = sides.map(readJob);
    const decision = decide(
      {
        version: pick(dice, ["v1alpha1", "v1alpha2", ""]) ?? "",
        subresource: pick(dice, ["", "status"]) ?? "",
        username: "alice",
        old: dice() < 0.3 ? null : (old ?? null),
        job: dice() < 0.1 ? null : (job ?? null),
      },
      settings,
      pick(dice, FACTS) ?? NO_FACTS,
    );
    warningTexts(decision.warnings);
    if (decision.kind === "refuse") refusals.push(refusalText("x", decision.errors));
    defaultsPatch(anyValue(dice, 0));
    readNodeFact(anyValue(dice, 0));
    readSecretForm(anyValue(dice, 0));
  }
  expect(refusals.length).toBeGreaterThan(100);
  expect(refusals.filter((text) => !text.includes(" is invalid:"))).toEqual([]);
});

test("values deeper than the stack", () => {
  const deep: unknown = JSON.parse(`${"[".repeat(200_000)}${"]".repeat(200_000)}`);
  const [old, job] = [rawJob({ spec: { imagePrePullTemplate: { images: deep } } }), rawJob({ spec: deep })];
  const asked = { version: "v1alpha2", subresource: "", username: "a" } as const;
  const request = { ...asked, old: readJob(old), job: readJob(job) };
  expect(decide(request, settings, NO_FACTS).kind).toBe("refuse");
  expect(decide({ ...request, old: readJob(rawJob({ spec: deep })) }, settings, NO_FACTS)).toMatchObject({
    why: "spec-untouched",
  });
});

test("what is accepted decodes into KubeEdge's Go types of both versions", () => {
  const dice = makeDice(32);
  let accepted = 0;
  let undecodable = 0;
  const wrong: unknown[] = [];
  for (let round = 0; round < 20_000; round += 1) {
    const template = likelyTemplate(dice);
    const job = readJob(rawJob({ spec: { imagePrePullTemplate: template } }));
    const request = {
      version: "v1alpha2",
      subresource: "",
      username: "a",
      old: null,
      job,
    } as const;
    const isRead = decodes(template);
    if (!isRead) undecodable += 1;
    if (decide(request, settings, NO_FACTS).kind === "refuse") continue;
    accepted += 1;
    if (!isRead) wrong.push(template);
  }
  expect(wrong).toEqual([]);
  // The test means something only while both happen often.
  expect(accepted).toBeGreaterThan(300);
  expect(undecodable).toBeGreaterThan(3_000);
});

/**
 * encoding/json into the fields of ImagePrePullTemplate (the same in v1alpha1 and v1alpha2), judged by the text that Go
 * reads. Written apart from the rules, so that a mistake in them shows.
 */
function decodes(template: Readonly<Record<string, unknown>>): boolean {
  const { images, nodeNames, checkItems, labelSelector, failureTolerate, imageSecrets } = template;
  return (
    [images, nodeNames, checkItems].every(isTexts) &&
    [failureTolerate, imageSecrets].every(isText) &&
    isInteger(template["timeoutSeconds"], /^\d+$/, 0n, 4_294_967_295n) &&
    isInteger(template["concurrency"], /^-?\d+$/, -2_147_483_648n, 2_147_483_647n) &&
    isInteger(template["retryTimes"], /^-?\d+$/, -2_147_483_648n, 2_147_483_647n) &&
    isSelector(labelSelector)
  );
}

function isInteger(value: unknown, form: RegExp, least: bigint, most: bigint): boolean {
  if (value === null || value === undefined) return true;
  if (typeof value !== "number" && typeof value !== "bigint") return false;
  const text = Object.is(value, -0) ? "-0" : String(value);
  return form.test(text) && BigInt(text) >= least && BigInt(text) <= most;
}

function isText(value: unknown): boolean {
  return value === null || value === undefined || typeof value === "string";
}

function isTexts(value: unknown): boolean {
  return value === null || value === undefined || (Array.isArray(value) && value.every(isText));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSelector(value: unknown): boolean {
  if (value === null || value === undefined) return true;
  if (!isObject(value)) return false;
  const labels = value["matchLabels"] ?? {};
  const expressions = value["matchExpressions"] ?? [];
  if (!isObject(labels) || !Object.values(labels).every(isText) || !Array.isArray(expressions)) return false;
  return expressions.every(
    (item) =>
      item === null ||
      (isObject(item) && isText(item["key"]) && isText(item["operator"]) && isTexts(item["values"])),
  );
}

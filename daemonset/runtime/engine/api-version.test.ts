import { expect, it } from "vitest";
import { negotiate } from "./api-version.ts";

it.each([
  ["Docker 20.10", "1.41", "1.12", { kind: "agreed", version: "1.41" }],
  ["an older Docker", "1.39", "1.12", { kind: "agreed", version: "1.39" }],
  ["a newer Docker", "1.47", "1.24", { kind: "agreed", version: "1.41" }],
  ["Docker 29, which dropped 1.41", "1.52", "1.44", { kind: "agreed", version: "1.44" }],
  ["one that does not say how far back it goes", "1.30", undefined, { kind: "agreed", version: "1.30" }],
  ["a second edition", "2.1", "2.0", { kind: "agreed", version: "2.0" }],
  ["Docker 1.11", "1.23", "1.12", { kind: "too-old" }],
  ["no number", "latest", "1.12", { kind: "nonsense" }],
  ["an empty range", "1.30", "1.40", { kind: "nonsense" }],
])("%s", (_name, newest, oldest, expected) => {
  expect(negotiate(newest, oldest)).toEqual(expected);
});

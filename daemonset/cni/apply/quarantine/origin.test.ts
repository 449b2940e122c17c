import { expect, test } from "vitest";
import { originText, parseOrigin, type Origin } from "./origin.ts";

const origin: Origin = {
  directory: "/var/lib/cni/networks/pods",
  kind: "lease",
  wallMillis: 1_700_000_000_000,
  observedSeconds: 12,
};

test("a record is read as it was written", () => {
  expect(parseOrigin(originText(origin))).toEqual(origin);
});

test.each([
  "",
  "{",
  "null",
  "[]",
  '"text"',
  originText(origin).replace('"version":1', '"version":2'),
  originText(origin).replace("/var", "var"),
  originText(origin).replace('"lease"', '"other"'),
  originText({ ...origin, wallMillis: -1 }),
  originText(origin).replace("12", '"12"'),
])("%j is none", (text) => {
  expect(parseOrigin(text)).toBeUndefined();
});

import { expect, test } from "vitest";
import { reviewBody } from "./testing/review-body.ts";
import { uidNear } from "./uid-near.ts";

test.each([
  ["the API server's order of fields", reviewBody(), "705ab4f5-6393-11e8-b7cc-42010a800002"],
  ["white space between", '{ "request" : {\n "uid" : "a-1", "x', "a-1"],
  ["no uid", '{"request":{"operation":"UPDATE"}}', ""],
  ["a uid elsewhere", '{"request":{"object":{"metadata":{"uid":"a-1"}}}}', ""],
  ["a uid with what no uid has", '{"request":{"uid":"a\\"b"', ""],
  ["a uid that is cut off", '{"request":{"uid":"abc', ""],
  ["an endless uid", `{"request":{"uid":"${"a".repeat(500)}"`, ""],
  ["nothing", "", ""],
])("finds the uid in: %s", (_name, body, uid) => {
  expect(uidNear(Buffer.from(body))).toBe(uid);
});

test("looks at the first kilobyte only", () => {
  expect(uidNear(Buffer.from(`${" ".repeat(1024)}{"request":{"uid":"late"}}`))).toBe("");
});

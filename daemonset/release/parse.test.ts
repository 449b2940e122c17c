import { expect, test } from "vitest";
import { LOCK_ANNOTATION } from "../../lock/node.ts";
import { parseOwnNode } from "./parse.ts";
import { FakeNode } from "./testing/own-node.ts";

const owner = (time: unknown, key: string = LOCK_ANNOTATION): unknown => ({
  time,
  fieldsV1: { "f:metadata": { "f:annotations": { [`f:${key}`]: {} } } },
});

function withFields(managedFields: unknown): unknown {
  return { kind: "Node", metadata: { name: "n1", uid: "u", resourceVersion: "7", managedFields } };
}

test("reads what decides", () => {
  const node = Object.assign(new FakeNode(), { lockWrittenAt: "2026-11-21T09:14:00Z", bootID: "b" });
  node.take("x");
  const read = parseOwnNode(node.raw());
  expect(read).toMatchObject({
    view: { name: "n1", uid: "uid-n1", unschedulable: true, bootID: "b" },
    resourceVersion: "2",
    ready: "True",
    lockWrittenMillis: Date.parse("2026-11-21T09:14:00Z"),
  });
});

test("of several owners the last write counts, and only of owners of the lock", () => {
  const fields = [
    owner("2026-11-21T09:00:00Z"),
    owner("2026-11-21T09:05:00Z"),
    owner("2026-11-21T09:01:00Z"),
    owner("2026-11-21T10:00:00Z", "example.com/other"),
  ];
  expect(parseOwnNode(withFields(fields)).lockWrittenMillis).toBe(Date.parse("2026-11-21T09:05:00Z"));
});

test.each([[undefined], [null], ["x"], [[]], [[null, 1, "x", {}]], [[owner("never")]], [[owner(undefined)]]])(
  "managedFields of %j say nothing of the time",
  (fields) => {
    expect(parseOwnNode(withFields(fields)).lockWrittenMillis).toBeUndefined();
  },
);

test.each([
  [undefined],
  [null],
  [{ conditions: "x" }],
  [{ conditions: [null, { type: "Ready", status: 1 }] }],
])("a status of %j has no condition Ready", (status) => {
  expect(parseOwnNode({ metadata: { resourceVersion: "7" }, status: status ?? null }).ready).toBeUndefined();
});

test.each([[null], ["x"], [[]], [{}], [{ metadata: {} }], [{ metadata: { resourceVersion: "" } }]])(
  "%j is no Node",
  (raw) => {
    expect(() => parseOwnNode(raw)).toThrow(TypeError);
  },
);

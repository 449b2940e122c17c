import { expect, test } from "vitest";
import { asker, locked, lockRecord, nodeView, NOW, rewritten } from "./fixture.ts";
import {
  atRelease,
  LONGEST_REQUEST_BYTES,
  mayWriteRequest,
  readRequestedUncordon,
  requestedBy,
  UNCORDON_REQUESTED_ANNOTATION,
  writeRequestedUncordon,
  writesRequest,
  type AtRelease,
} from "./requested-uncordon.ts";
import { LOCK_ANNOTATION } from "./node.ts";
import { lockOn } from "./record.ts";

const KEY = UNCORDON_REQUESTED_ANNOTATION;
const BOBS = '{"at":"2026-11-21T09:30:00Z","by":"bob","groups":["ops","system:authenticated"]}';
const bobs = { by: "bob", groups: ["ops", "system:authenticated"], at: "2026-11-21T09:30:00Z" };

test("what is written is canonical and reads back", () => {
  const value = writeRequestedUncordon({ username: "bob", groups: bobs.groups }, NOW);
  expect(value).toBe(BOBS);
  expect(readRequestedUncordon(BOBS)).toEqual(bobs);
});

test("of many groups as many are kept as fit, in order", () => {
  const groups = Array.from({ length: 200 }, (_, index) => `team-${index}-${'"é'.repeat(20)}`);
  const value = writeRequestedUncordon({ username: "bob", groups: [...groups, "last"] }, NOW) ?? "";
  expect(Buffer.byteLength(value)).toBeLessThanOrEqual(LONGEST_REQUEST_BYTES);
  expect(Buffer.byteLength(value)).toBeGreaterThan(LONGEST_REQUEST_BYTES - 110);
  const kept = readRequestedUncordon(value)?.groups ?? [];
  expect(kept.slice(0, 3)).toEqual(groups.slice(0, 3));
});

test("a value that just fits is written whole; one byte more leaves a group out", () => {
  const bytesAround = Buffer.byteLength(
    writeRequestedUncordon({ username: "bob", groups: ["", "b"] }, NOW) ?? "",
  );
  const fitting = "a".repeat(LONGEST_REQUEST_BYTES - bytesAround);
  const whole = writeRequestedUncordon({ username: "bob", groups: [fitting, "b"] }, NOW) ?? "";
  expect(Buffer.byteLength(whole)).toBe(LONGEST_REQUEST_BYTES);
  const without = writeRequestedUncordon({ username: "bob", groups: [`${fitting}a`, "b"] }, NOW) ?? "";
  expect(readRequestedUncordon(without)?.groups).toEqual([`${fitting}a`]);
});

test("a username that does not fit is not kept", () => {
  expect(
    writeRequestedUncordon({ username: "b".repeat(LONGEST_REQUEST_BYTES), groups: [] }, NOW),
  ).toBeUndefined();
});

test.each([
  "",
  "bob",
  "[]",
  "null",
  "{}",
  '{"by":"","groups":[],"at":"x"}',
  '{"by":"bob","groups":"ops","at":"x"}',
  '{"by":"bob","groups":[1],"at":"x"}',
  '{"by":"bob","groups":[]}',
  '{"__proto__":{"by":"bob","groups":[],"at":"x"}}',
  `{"by":"${"b".repeat(LONGEST_REQUEST_BYTES)}","groups":[],"at":"x"}`,
])("%.40s is no request of ours", (value) => {
  expect(readRequestedUncordon(value)).toBeUndefined();
  expect(requestedBy(nodeView({ annotations: { [KEY]: value } }))).toBeUndefined();
});

test("whose request a node carries", () => {
  expect(requestedBy(nodeView({ annotations: { [KEY]: BOBS } }))).toBe("bob");
  expect(requestedBy(nodeView())).toBeUndefined();
});

const plain = locked(lockRecord());
const withRequest = locked(lockRecord(), { annotations: { [KEY]: BOBS } });

test.each([
  ["sets one", plain, withRequest, true],
  ["sets an empty one", plain, rewritten(plain, { annotations: { [KEY]: "" } }), true],
  ["changes one", withRequest, rewritten(withRequest, { annotations: { [KEY]: "{}" } }), true],
  ["leaves one alone", withRequest, rewritten(withRequest, { unschedulable: false }), false],
  ["removes one", withRequest, plain, false],
  ["sets one while it removes the lock", plain, nodeView({ annotations: { [KEY]: BOBS } }), false],
  ["sets one while it takes the lock", nodeView(), withRequest, false],
])("a request that %s", (_name, before, after, expected) => {
  expect(writesRequest(before, after)).toBe(expected);
});

test.each([
  ["the webhook", asker("hook"), true],
  ["the webhook's pod on any node", asker("hook", "n2"), true],
  ["the node's own agent", asker("agent", "n1"), true],
  ["another node's agent", asker("agent", "n2"), false],
  ["an agent of no node", asker("agent"), false],
  ["anybody else", asker("bob"), false],
  ["anybody else on that node", asker("bob", "n1"), false],
])("%s may write one: %s", (_name, from, expected) => {
  expect(mayWriteRequest(from, "n1", { webhookUsername: "hook", agentUsername: "agent" })).toBe(expected);
});

const stripped = { annotations: { [LOCK_ANNOTATION]: null } };

function released(part: Partial<Parameters<typeof atRelease>[0]> = {}): AtRelease {
  const before = part.before ?? withRequest;
  const lock = lockOn(before);
  if (lock === undefined) throw new Error("not locked");
  return atRelease({
    before,
    after: rewritten(before, stripped),
    lock,
    subresource: "",
    carryOut: true,
    ...part,
  });
}

test("a kept uncordon is asked about when the lock goes", () => {
  expect(released()).toEqual({ kind: "ask", request: bobs });
});

test.each<[string, Parameters<typeof released>[0]]>([
  ["none is kept", { before: plain }],
  [
    "the node is uncordoned by the request itself",
    { after: rewritten(withRequest, { ...stripped, unschedulable: false }) },
  ],
  [
    "it is withdrawn in the same request",
    { after: rewritten(withRequest, { annotations: { [LOCK_ANNOTATION]: null, [KEY]: null } }) },
  ],
  [
    "the request cordons the node",
    { before: { ...withRequest, unschedulable: false }, after: rewritten(withRequest, stripped) },
  ],
  ["one comes with the request only", { before: plain, after: rewritten(withRequest, stripped) }],
])("nothing is to do where %s", (_name, part) => {
  expect(released(part)).toEqual({ kind: "none" });
});

test.each<[string, Parameters<typeof released>[0], AtRelease]>([
  ["the setting is off", { carryOut: false }, { kind: "drop", why: "turned-off", by: "bob" }],
  ["a write to nodes/status", { subresource: "status" }, { kind: "drop", why: "status-write", by: "bob" }],
  [
    "a lock that nobody stamped",
    { before: locked("raw", { annotations: { [KEY]: BOBS } }) },
    { kind: "drop", why: "unstamped-lock", by: "bob" },
  ],
  [
    "a value that can't be read",
    { before: locked(lockRecord(), { annotations: { [KEY]: "x" } }) },
    { kind: "drop", why: "unreadable", by: undefined },
  ],
])("the node stays cordoned with %s", (_name, part, expected) => {
  expect(released(part)).toEqual(expected);
});

test("what counts is what the server holds, not what the request writes", () => {
  const forged = rewritten(withRequest, { annotations: { [LOCK_ANNOTATION]: null, [KEY]: '{"by":"root"}' } });
  expect(released({ after: forged })).toEqual({ kind: "ask", request: bobs });
});

import { describe, expect, test } from "vitest";
import { asker, lockRecord, locked, nodeView, NOW } from "./fixture.ts";
import { formatTime, holds, isExpired, lockOn, parseTime, readStoredLock, writeRecord } from "./record.ts";

describe("the stored record", () => {
  test("is canonical JSON: keys sorted, no spaces, absent fields left out", () => {
    expect(writeRecord(lockRecord())).toBe(
      '{"acquiredAt":"2026-11-21T09:14:00Z","bootID":"boot-1","holder":"alice","nodeUID":"uid-n1",' +
        '"reason":"kernel update","release":"explicit","wasUnschedulable":false}',
    );
  });

  test("survives a round trip with every field set", () => {
    const full = lockRecord({
      holderNode: "n1",
      expiresAt: "2026-11-21T11:00:00Z",
      release: "reboot",
      autoscalers: {
        "cluster-autoscaler.kubernetes.io/scale-down-disabled": "false",
        "karpenter.sh/do-not-disrupt": null,
      },
    });
    expect(readStoredLock(writeRecord(full))).toEqual({ kind: "record", record: full });
  });
});

describe("a value that no one can parse is a lock of unknown holder", () => {
  const good = lockRecord({ holderNode: "n1", expiresAt: "2026-11-21T11:00:00Z" });
  const broken = (part: Record<string, unknown>) => JSON.stringify({ ...good, ...part });
  test.each([
    ["an empty value", ""],
    ["plain text", "maintenance"],
    ["broken JSON", '{"holder":"alice"'],
    ["an array", "[]"],
    ["a number", "5"],
    ["null", "null"],
    ["an empty object", "{}"],
    ["what a person asks for, never stamped", '{"reason":"x","ttl":"1h"}'],
    ["an empty holder", broken({ holder: "" })],
    ["a holder that is no text", broken({ holder: ["alice"] })],
    ["a holder node that is no text", broken({ holderNode: 1 })],
    ["an expiry that is no time", broken({ expiresAt: "soon" })],
    ["an expiry that is no text", broken({ expiresAt: 0 })],
    ["an expiry of null", broken({ expiresAt: null })],
    ["a time of acquisition that is no time", broken({ acquiredAt: "2026-02-30T00:00:00Z" })],
    ["an unknown release", broken({ release: "never" })],
    ["autoscalers that are none", broken({ autoscalers: "all" })],
    [
      "an autoscaler's value that is no text",
      broken({ autoscalers: { "karpenter.sh/do-not-disrupt": true } }),
    ],
    ["no wasUnschedulable", broken({ wasUnschedulable: undefined })],
    ["a boot ID that is no text", broken({ bootID: 7 })],
    ["its fields only on __proto__", `{"__proto__":${JSON.stringify(good)}}`],
    ["256 KiB of garbage", "\u0000{[".repeat(90_000)],
    ["JSON nested 100,000 deep", `{"holder":${"[".repeat(100_000)}${"]".repeat(100_000)}}`],
  ])("%s", (_name, value) => {
    expect(readStoredLock(value)).toMatchObject({ kind: "unknown-holder", text: value });
    expect(holds(asker("alice", "n1"), readStoredLock(value))).toBe(false);
    expect(isExpired(readStoredLock(value), Number.MAX_SAFE_INTEGER)).toBe(false);
  });

  test("a duplicate key: the last one wins, as in Go", () => {
    const value = writeRecord(lockRecord()).replace('"holder":"alice"', '"holder":"eve","holder":"alice"');
    expect(holds(asker("eve"), readStoredLock(value))).toBe(false);
    expect(holds(asker("alice"), readStoredLock(value))).toBe(true);
  });
});

test("key present is a lock, an empty value included; key absent is none", () => {
  expect(lockOn(nodeView())).toBeUndefined();
  expect(lockOn(null)).toBeUndefined();
  expect(lockOn(locked(""))?.kind).toBe("unknown-holder");
});

describe("who holds a lock", () => {
  const person = { kind: "record", record: lockRecord() } as const;
  const pod = { kind: "record", record: lockRecord({ holder: "kured", holderNode: "n1" }) } as const;
  test.each([
    ["the same user", asker("alice"), person, true],
    ["the same user from a pod, where a person took it", asker("alice", "n9"), person, true],
    ["another user", asker("bob"), person, false],
    ["the same pod's node", asker("kured", "n1"), pod, true],
    ["the same user from another node's pod", asker("kured", "n2"), pod, false],
    ["the same user without a node", asker("kured"), pod, false],
    ["another user on the right node", asker("eve", "n1"), pod, false],
  ])("%s", (_name, who, lock, expected) => {
    expect(holds(who, lock)).toBe(expected);
  });
});

describe("expiry", () => {
  const until = (expiresAt: string) => ({ kind: "record", record: lockRecord({ expiresAt }) }) as const;
  test.each([
    ["one second before it", "2026-11-21T09:30:01Z", false],
    ["at the very moment", "2026-11-21T09:30:00Z", true],
    ["after it", "2026-11-21T09:29:59Z", true],
    ["in another time zone", "2026-11-21T10:29:59+01:00", true],
  ])("%s", (_name, at, expired) => {
    expect(isExpired(until(at), NOW)).toBe(expired);
  });
  test("a lock without expiry never expires", () => {
    expect(isExpired({ kind: "record", record: lockRecord() }, Number.MAX_SAFE_INTEGER)).toBe(false);
  });
});

test.each([
  "2026-11-21",
  "2026-11-21T09:14Z",
  "21 Nov 2026",
  "2026-02-29T00:00:00Z",
  "2026-11-21T25:00:00Z",
  "",
  "0",
])("parseTime refuses %j", (text) => {
  expect(parseTime(text)).toBeUndefined();
});

test("formatTime writes whole seconds in UTC", () => {
  expect(formatTime(NOW + 999)).toBe("2026-11-21T09:30:00Z");
});

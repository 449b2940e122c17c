import { describe, expect, test } from "vitest";
import { NOW } from "./fixture.ts";
import { LONGEST_REASON, parseLockRequest, type LockLimits, type LockRequest } from "./request.ts";

const limits: LockLimits = { defaultTtlMillis: undefined, minTtlMillis: 60_000, maxTtlMillis: 86_400_000 };

function asked(value: string, with_: Partial<LockLimits> = {}): LockRequest {
  const parsed = parseLockRequest(value, { ...limits, ...with_ }, NOW);
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.request;
}

function problem(value: string): string {
  const parsed = parseLockRequest(value, limits, NOW);
  return parsed.ok ? "" : parsed.problem;
}

describe("what a person may write", () => {
  test.each([
    ["plain text is the reason", "kernel update", { reason: "kernel update", release: "explicit" }],
    ["an empty value locks without a reason", "", { reason: "" }],
    ["JSON with a reason", '{"reason":"firmware"}', { reason: "firmware", release: "explicit" }],
    ["a release", '{"release":"uncordon"}', { release: "uncordon" }],
    ["a ttl", '{"ttl":"2h30m"}', { expiresAtMillis: NOW + 9_000_000 }],
    ["an expiry", '{"expiresAt":"2026-11-21T10:30:00Z"}', { expiresAtMillis: NOW + 3_600_000 }],
    [
      "null means not given",
      '{"reason":null,"ttl":null,"release":null}',
      { reason: "", expiresAtMillis: undefined },
    ],
    ["broken JSON is a reason", '{"reason":', { reason: '{"reason":' }],
    ["an array is a reason", '["x"]', { reason: '["x"]' }],
    ["a number is a reason", "17", { reason: "17" }],
    ["a reason of another type is kept as JSON", '{"reason":{"why":1}}', { reason: '{"why":1}' }],
    ["the last of duplicate keys wins", '{"reason":"a","reason":"b"}', { reason: "b" }],
    [
      "__proto__ is a key like any other",
      '{"__proto__":{"reason":"x","ttl":"1h"}}',
      { reason: "", expiresAtMillis: undefined },
    ],
    ["line breaks and escapes become spaces", "a\nb\u001b[31m\u2028c", { reason: "a b [31m c" }],
  ])("%s", (_name, value, expected) => {
    expect(asked(value)).toMatchObject(expected);
  });

  test("forged stamps are ignored without a word, as a holder edits them along with the rest", () => {
    const forged = asked('{"holder":"eve","acquiredAt":"1999-01-01T00:00:00Z","bootID":"x","reason":"r"}');
    expect(forged).toEqual({ reason: "r", expiresAtMillis: undefined, release: "explicit", notes: [] });
  });

  test("a misspelt field is named in a note that fits a warning", () => {
    const [note] = asked('{"tll":"1h"}').notes;
    expect(note).toContain("ignored tll");
    expect(asked(`{"${"x".repeat(500)}":1}`).notes[0]?.length).toBeLessThanOrEqual(120);
  });

  test("256 KiB of text still locks, with a shortened reason and a note", () => {
    const request = asked("y".repeat(262_144));
    expect(request.reason).toHaveLength(LONGEST_REASON);
    expect(request.notes).toHaveLength(1);
  });

  test("a value nested deeper than the stack still locks", () => {
    const deep = `{"reason":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
    expect(asked(deep).reason).not.toBe("");
  });

  test("a reason is never cut through a character", () => {
    expect(asked("😀".repeat(600)).reason.isWellFormed()).toBe(true);
    expect(asked(`x${"😀".repeat(600)}`).reason.isWellFormed()).toBe(true);
  });

  test("the default expiry applies only where none was asked for", () => {
    expect(asked("x", { defaultTtlMillis: 7_200_000 }).expiresAtMillis).toBe(NOW + 7_200_000);
    expect(asked('{"ttl":"1h"}', { defaultTtlMillis: 7_200_000 }).expiresAtMillis).toBe(NOW + 3_600_000);
  });
});

describe("a bad end of the lock refuses the request, with the field and the value", () => {
  test.each([
    ["no duration", '{"ttl":"soon"}', 'ttl="soon": expected a duration'],
    ["a number", '{"ttl":90}', "ttl=90: expected a duration"],
    ["an object", '{"ttl":{}}', "ttl={}: expected a duration"],
    ["false", '{"ttl":false}', "ttl=false: expected a duration"],
    ["an empty text", '{"ttl":""}', 'ttl="": expected a duration'],
    ["too short", '{"ttl":"59s"}', 'ttl="59s": the lock would end in less than 1m'],
    ["too long", '{"ttl":"25h"}', 'ttl="25h": the lock would last longer than 24h'],
    ["no time", '{"expiresAt":"tomorrow"}', 'expiresAt="tomorrow": expected a time'],
    ["a past time", '{"expiresAt":"2026-11-21T09:00:00Z"}', "the lock would end in less than 1m"],
    ["a far time", '{"expiresAt":"2099-01-01T00:00:00Z"}', "the lock would last longer than 24h"],
    ["both", '{"ttl":"1h","expiresAt":"2026-11-21T10:30:00Z"}', "is set too: keep one of them"],
    [
      "an unknown release",
      '{"release":"whenever"}',
      'release="whenever": expected one of explicit, uncordon, reboot',
    ],
    ["a release of another type", '{"release":true}', "release=true: expected one of"],
  ])("%s", (_name, value, expected) => {
    expect(problem(value)).toContain("annotation nodelatch.io/reboot-lock: ");
    expect(problem(value)).toContain(expected);
  });

  test("the bounds themselves are allowed", () => {
    expect(asked('{"ttl":"1m"}').expiresAtMillis).toBe(NOW + 60_000);
    expect(asked('{"ttl":"24h"}').expiresAtMillis).toBe(NOW + 86_400_000);
  });

  test("a huge bad value is shown in part", () => {
    expect(problem(`{"ttl":"${"9".repeat(100_000)}"}`).length).toBeLessThan(300);
  });
});

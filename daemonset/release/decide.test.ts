import { describe, expect, test } from "vitest";
import { lockRecord } from "../../lock/fixture.ts";
import type { LockRecord } from "../../lock/record.ts";
import { decideRelease, type ReleaseFacts } from "./decide.ts";
import { parseOwnNode } from "./parse.ts";
import { FakeNode } from "./testing/own-node.ts";

const OLD = "0d3ce8a4-2b6c-4f2e-9a52-6f0f6f1f8a11";
const NOW = "7a1f0c1e-55d4-4f0a-8f0e-2f4b5a6c7d88";
const THIRD = "11111111-55d4-4f0a-8f0e-2f4b5a6c7d88";
const at = (time: string): number => Date.parse(`2026-11-21T${time}Z`);
const RECORD = lockRecord({ release: "reboot", bootID: OLD });

interface Part {
  readonly node?: Partial<FakeNode>;
  readonly lock?: Partial<LockRecord> | string;
  readonly facts?: Partial<ReleaseFacts>;
  readonly deleting?: boolean;
}

/** A node that has rebooted at 09:20, with a lock that was taken at 09:14. */
function decide({ node = {}, lock = {}, facts = {}, deleting = false }: Part) {
  const fake = Object.assign(new FakeNode(), { bootID: NOW });
  fake.take(typeof lock === "string" ? lock : { ...RECORD, ...lock });
  Object.assign(fake, node);
  const read = parseOwnNode(fake.raw());
  return decideRelease({
    node: { ...read, view: { ...read.view, deleting } },
    bootID: { kind: "known", bootID: NOW },
    bootBeganMillis: at("09:20:00"),
    unclean: undefined,
    ...facts,
  });
}

test("after the reboot the lock goes, and the node is uncordoned", () => {
  expect(decide({})).toEqual({ kind: "release", record: RECORD, uncordon: true });
});

test("a node that was cordoned before the lock stays so", () => {
  expect(decide({ lock: { wasUnschedulable: true } })).toMatchObject({ kind: "release", uncordon: false });
});

test("a node that is not cordoned is not uncordoned", () => {
  expect(decide({ node: { unschedulable: false } })).toMatchObject({ kind: "release", uncordon: false });
});

test("a lock that has expired goes too: its reboot has been", () => {
  expect(decide({ lock: { expiresAt: "2026-11-21T09:15:00Z" } })).toMatchObject({ kind: "release" });
});

test("no lock, nothing to do", () => {
  expect(decide({ node: { lock: undefined } })).toEqual({ kind: "not-locked" });
});

describe("never", () => {
  test.each<[string, Part, string]>([
    ["a node that is being deleted", { deleting: true }, "being-deleted"],
    ["a plain text", { lock: "kernel update" }, "unknown-holder"],
    ["an empty text", { lock: "" }, "unknown-holder"],
    ["half a record", { lock: '{"release":"reboot","bootID":"x"}' }, "unknown-holder"],
    ["release explicit", { lock: { release: "explicit" } }, "other-release"],
    ["release uncordon", { lock: { release: "uncordon" } }, "other-release"],
    ["an earlier node of this name", { lock: { nodeUID: "uid-before" } }, "other-node"],
    ["a node registered anew in mid-lock", { node: { uid: "uid-after" } }, "other-node"],
    ["a node and a lock without UID", { node: { uid: "" }, lock: { nodeUID: "" } }, "other-node"],
    [
      "a boot that can't be told",
      { facts: { bootID: { kind: "unknown", reason: "no /proc" } } },
      "boot-unknown",
    ],
    ["a lock that knows no boot", { lock: { bootID: "" } }, "boot-unknown"],
    ["a node that has not rebooted", { lock: { bootID: NOW } }, "not-rebooted"],
    [
      "a node that has not rebooted, whatever its status says",
      { lock: { bootID: NOW }, node: { bootID: OLD } },
      "not-rebooted",
    ],
  ])("%s", (_what, part, rule) => {
    expect(decide(part)).toMatchObject({ kind: "left", rule });
  });
});

describe("a lock that was taken after the reboot, while the status still had the boot before", () => {
  const late = { lock: { acquiredAt: "2026-11-21T09:20:30Z" } };

  test("is not released by that reboot", () => {
    expect(decide(late)).toMatchObject({ kind: "left", rule: "taken-in-this-boot" });
    expect(decide({ ...late, node: { lockWrittenAt: "2026-11-21T09:20:30Z" } })).toMatchObject({
      rule: "taken-in-this-boot",
    });
  });

  test("nor when its owner has written since", () => {
    expect(decide({ ...late, node: { lockWrittenAt: "2026-11-21T09:29:00Z" } })).toMatchObject({
      rule: "taken-in-this-boot",
    });
  });
});

describe("a wrong clock", () => {
  test("of the webhook, an hour ahead, keeps no lock: the API server dates its write before this boot", () => {
    const lock = { acquiredAt: "2026-11-21T10:14:00Z" };
    expect(decide({ lock, node: { lockWrittenAt: "2026-11-21T09:14:00Z" } })).toMatchObject({
      kind: "release",
    });
  });

  test("whole seconds are no proof", () => {
    expect(decide({ lock: { acquiredAt: "2026-11-21T09:20:02Z" } })).toMatchObject({ kind: "release" });
    expect(decide({ lock: { acquiredAt: "2026-11-21T09:20:03Z" } })).toMatchObject({ kind: "left" });
  });

  test("later writes of the lock's owner don't make it a lock of this boot", () => {
    expect(decide({ node: { lockWrittenAt: "2026-11-21T09:29:00Z" } })).toMatchObject({ kind: "release" });
  });
});

describe("waits", () => {
  test.each<[string, Part, string]>([
    [
      "for the kubelet's report of this boot",
      { node: { bootID: OLD } },
      "the kubelet has not reported this boot yet",
    ],
    ["through a report of yet another boot", { node: { bootID: THIRD } }, "the kubelet has not reported"],
    ["for any report", { node: { bootID: "" } }, "the kubelet has not reported"],
    ["for Ready", { node: { ready: "False" } }, "the node's condition Ready is False"],
    ["for a kubelet that has gone silent", { node: { ready: "Unknown" } }, "Ready is Unknown"],
    ["for passes", { facts: { unclean: "the passes are under way" } }, "the passes are under way"],
  ])("%s", (_what, part, words) => {
    const verdict = decide(part);
    expect(verdict).toMatchObject({ kind: "waiting", record: RECORD });
    expect(verdict.kind === "waiting" && verdict.reason).toContain(words);
  });

  test("for Ready where there is no such condition", () => {
    const fake = Object.assign(new FakeNode(), { bootID: NOW });
    fake.take(RECORD);
    const node = { ...parseOwnNode(fake.raw()), ready: undefined };
    const facts = { bootBeganMillis: 0, unclean: undefined };
    expect(
      decideRelease({
        node,
        bootID: { kind: "known", bootID: NOW },
        ...facts,
        bootBeganMillis: at("09:20:00"),
      }),
    ).toMatchObject({
      reason: "the node's condition Ready is not reported",
    });
  });
});

test("words of others take no more than their line", () => {
  const verdict = decide({ lock: { nodeUID: `x\n${"y".repeat(5_000)}` } });
  expect(verdict.kind === "left" && verdict.reason).toMatch(/^[^\n]{1,250}$/);
});

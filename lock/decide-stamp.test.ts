/** decide(): a lock that is written anew, by its holder or by whoever takes over an expired one. */
import { describe, expect, test } from "vitest";
import { decide } from "./decide.ts";
import { asker, guardSettings, locked, lockedChange, lockRecord, NOW, rewritten } from "./fixture.ts";
import { LOCK_ANNOTATION } from "./node.ts";
import { writeRecord, type Asker, type LockRecord } from "./record.ts";

const settings = guardSettings();
const held = lockRecord({ holder: "kured", holderNode: "n1" });

describe("a changed value counts only as the latch would have written it", () => {
  const old = locked(held);
  const changedTo = (value: string) =>
    lockedChange(old, rewritten(old, { annotations: { [LOCK_ANNOTATION]: value } }));
  const stamps: [string, Partial<LockRecord>][] = [
    ["holder", { holder: "eve" }],
    ["holderNode", { holderNode: "n2" }],
    ["acquiredAt", { acquiredAt: "2020-01-01T00:00:00Z" }],
    ["nodeUID", { nodeUID: "other" }],
    ["bootID", { bootID: "other" }],
    ["wasUnschedulable", { wasUnschedulable: true }],
  ];
  test.each(stamps)("the holder can't rewrite %s", (_field, part) => {
    const change = changedTo(writeRecord({ ...held, ...part }));
    expect(decide(change, asker("kured", "n1"), NOW, settings)).toEqual({
      kind: "refuse",
      why: "not-stamped",
    });
  });
  test("the holder can't drop its node", () => {
    const change = changedTo(writeRecord(lockRecord({ holder: "kured" })));
    expect(decide(change, asker("kured", "n1"), NOW, settings)).toEqual({
      kind: "refuse",
      why: "not-stamped",
    });
  });
  test.each(["", "plain", '{"ttl":"1h"}'])("the holder's raw value %j is refused", (value) => {
    expect(decide(changedTo(value), asker("kured", "n1"), NOW, settings)).toEqual({
      kind: "refuse",
      why: "not-stamped",
    });
  });
  test("the holder may change reason, expiry and release", () => {
    const change = changedTo(
      writeRecord({ ...held, reason: "r", release: "reboot", expiresAt: "2026-11-21T10:00:00Z" }),
    );
    expect(decide(change, asker("kured", "n1"), NOW, settings)).toEqual({ kind: "allow", why: "by-holder" });
  });

  const ranOut = { ...held, expiresAt: "2026-11-21T09:00:00Z" };
  const takeover = (next: Partial<LockRecord>, by: Asker) => {
    const before = locked(ranOut);
    const { holderNode: _, ...free } = held;
    const value = writeRecord({ ...free, wasUnschedulable: true, ...next });
    return decide(
      lockedChange(before, rewritten(before, { annotations: { [LOCK_ANNOTATION]: value } })),
      by,
      NOW,
      settings,
    );
  };
  test("an expired lock may be taken over by a stamped one", () => {
    expect(takeover({ holder: "bob" }, asker("bob"))).toMatchObject({ kind: "allow", why: "expired" });
  });
  test.each([
    ["another holder's name", { holder: "eve" }],
    ["a forged node", { holder: "bob", holderNode: "n1" }],
    ["a forged boot ID", { holder: "bob", bootID: "old" }],
    ["a forged UID", { holder: "bob", nodeUID: "old" }],
    ["a forged past", { holder: "bob", wasUnschedulable: false }],
  ])("but not with %s", (_name, part) => {
    expect(takeover(part, asker("bob"))).toMatchObject({ kind: "refuse" });
  });
  test("nor by the holder's user on another node with a raw value", () => {
    const before = locked(ranOut);
    const change = lockedChange(before, rewritten(before, { annotations: { [LOCK_ANNOTATION]: "raw" } }));
    expect(decide(change, asker("kured", "n2"), NOW, settings)).toMatchObject({ kind: "refuse" });
  });
});

import { describe, expect, test } from "vitest";
import { changeOf } from "./change.ts";
import { decide } from "./decide.ts";
import {
  asker,
  guardSettings,
  latchSettings,
  locked,
  lockRecord,
  nodeView,
  NOW,
  rewritten,
} from "./fixture.ts";
import { latch, type LatchDecision } from "./latch.ts";
import { LAST_OVERRIDE_ANNOTATION, LOCK_ANNOTATION, OVERRIDE_ANNOTATION, type NodeView } from "./node.ts";
import { readStoredLock, writeRecord, type Asker } from "./record.ts";

const settings = latchSettings({ keepAutoscalersAway: false });
const forged = writeRecord(
  lockRecord({
    holder: "eve",
    acquiredAt: "1999-01-01T00:00:00Z",
    bootID: "x",
    nodeUID: "x",
    wasUnschedulable: true,
  }),
);

function latched(old: NodeView | null, node: NodeView, by: Asker, subresource = ""): LatchDecision {
  const operation = old === null ? "CREATE" : "UPDATE";
  const change = changeOf({ operation, subresource, old, node });
  return latch({ change, before: old, after: node }, by, NOW, settings);
}

function storedBy(decision: LatchDecision): unknown {
  if (decision.kind !== "set") return decision;
  const lock = readStoredLock(decision.annotations.get(LOCK_ANNOTATION) ?? "");
  return lock.kind === "record" ? lock.record : lock;
}

describe("a new lock is stamped by the server", () => {
  test.each([
    ["plain text", "kernel update", "kernel update"],
    ["an empty value", "", ""],
    ["broken JSON", '{"reason"', '{"reason"'],
    ["a forged record", forged, "kernel update"],
  ])("%s", (_name, value, reason) => {
    const old = nodeView({ unschedulable: false });
    const node = rewritten(old, { annotations: { [LOCK_ANNOTATION]: value } });
    expect(storedBy(latched(old, node, asker("alice", "n7")))).toEqual({
      holder: "alice",
      holderNode: "n7",
      reason,
      acquiredAt: "2026-11-21T09:30:00Z",
      nodeUID: "uid-n1",
      bootID: "boot-1",
      wasUnschedulable: false,
      release: "explicit",
    });
  });

  test("the state before the request counts, not what the request brings", () => {
    const old = nodeView({ unschedulable: false, bootID: "boot-1" });
    const node = { ...locked("x"), unschedulable: true, bootID: "boot-9", uid: "uid-9" };
    expect(storedBy(latched(old, node, asker("alice")))).toMatchObject({
      wasUnschedulable: false,
      bootID: "boot-1",
      nodeUID: "uid-n1",
    });
  });

  test("on create the new node itself counts", () => {
    expect(storedBy(latched(null, locked("x", { unschedulable: true }), asker("alice")))).toMatchObject({
      holder: "alice",
      wasUnschedulable: true,
    });
  });

  test("a ttl becomes an expiry that is never early", () => {
    const node = locked('{"ttl":"90m"}');
    const change = changeOf({ operation: "UPDATE", subresource: "", old: nodeView(), node });
    const decision = latch({ change, before: nodeView(), after: node }, asker("alice"), NOW + 1, settings);
    expect(storedBy(decision)).toMatchObject({ expiresAt: "2026-11-21T11:00:01Z" });
  });

  test("a bad ttl refuses the request", () => {
    expect(latched(nodeView(), locked('{"ttl":"soon"}'), asker("alice"))).toMatchObject({ kind: "refuse" });
  });
});

describe("a changed lock", () => {
  const held = lockRecord({ expiresAt: "2026-11-21T10:00:00Z" });
  const changed = (value: string) => rewritten(locked(held), { annotations: { [LOCK_ANNOTATION]: value } });

  test("keeps every stamp when the holder changes it, whatever the value claims", () => {
    const stored = storedBy(
      latched(locked(held), changed(forged.replace("kernel update", "new")), asker("alice")),
    );
    expect(stored).toEqual(lockRecord({ reason: "new" }));
  });

  test("keeps the holder's node, and says whether it was stamped anew", () => {
    const pod = locked(lockRecord({ holder: "kured", holderNode: "n1" }));
    const node = rewritten(pod, { annotations: { [LOCK_ANNOTATION]: "new" } });
    const own = latched(pod, node, asker("kured", "n1"));
    expect(own).toMatchObject({ why: "restamped" });
    expect(storedBy(own)).toEqual(lockRecord({ holder: "kured", holderNode: "n1", reason: "new" }));
    const other = latched(pod, node, asker("kured", "n2"));
    expect(other).toMatchObject({ why: "stamped" });
    expect(storedBy(other)).toMatchObject({ holder: "kured", holderNode: "n2" });
  });

  test("becomes a new lock of whoever else changes it", () => {
    expect(storedBy(latched(locked(held), changed(forged), asker("bob")))).toMatchObject({
      holder: "bob",
      acquiredAt: "2026-11-21T09:30:00Z",
      wasUnschedulable: true,
    });
  });

  test.each([
    ["the holder is told about a bad value", held, "alice", "refuse"],
    ["a stranger is left to the guard, who tells whose lock it is", held, "bob", "leave"],
    ["so is whoever meets a lock of unknown holder", "garbage", "bob", "leave"],
    [
      "whoever may take over an expired lock is told",
      { ...held, expiresAt: "2026-11-21T09:00:00Z" },
      "bob",
      "refuse",
    ],
  ])("%s", (_name, lock, by, kind) => {
    const old = locked(lock);
    const node = rewritten(old, { annotations: { [LOCK_ANNOTATION]: '{"ttl":"soon"}' } });
    expect(latched(old, node, asker(by)).kind).toBe(kind);
  });

  test("of unknown holder becomes a new lock", () => {
    const old = locked("garbage");
    const node = rewritten(old, { annotations: { [LOCK_ANNOTATION]: "x" } });
    expect(storedBy(latched(old, node, asker("bob")))).toMatchObject({ holder: "bob" });
  });
});

describe("the lock goes with the holder's uncordon", () => {
  const uncordoned = (node: NodeView) => rewritten(node, { unschedulable: false });
  test.each([
    ["release uncordon, by the holder", lockRecord({ release: "uncordon" }), "alice", "released"],
    ["release uncordon, by another", lockRecord({ release: "uncordon" }), "bob", "leave"],
    ["release explicit, by the holder", lockRecord({ release: "explicit" }), "alice", "leave"],
    ["release reboot, by the holder", lockRecord({ release: "reboot" }), "alice", "leave"],
  ])("%s", (_name, record, by, expected) => {
    const annotations = new Map([[LOCK_ANNOTATION, null]]);
    expect(latched(locked(record), uncordoned(locked(record)), asker(by))).toEqual(
      expected === "released"
        ? { kind: "set", why: "released", annotations, notes: [], kept: { kind: "none" } }
        : { kind: "leave" },
    );
  });
});

describe("break-glass", () => {
  const held = locked(lockRecord());
  const override = { [OVERRIDE_ANNOTATION]: "disk on fire" };
  test.each([
    ["with an uncordon", rewritten(held, { annotations: override, unschedulable: false }), true],
    ["on its own", rewritten(held, { annotations: override }), true],
    ["with a changed value", rewritten(held, { annotations: { ...override, [LOCK_ANNOTATION]: "x" } }), true],
    [
      "with the lock removed already",
      rewritten(held, { annotations: { ...override, [LOCK_ANNOTATION]: null } }),
      false,
    ],
  ])("%s: lock and override go, a record of the act stays", (_name, node, removesLock) => {
    const decision = latched(held, node, asker("bob"));
    expect(decision).toMatchObject({ kind: "set", why: "broken" });
    if (decision.kind !== "set") return;
    expect(decision.annotations.get(OVERRIDE_ANNOTATION)).toBeNull();
    expect(decision.annotations.has(LOCK_ANNOTATION)).toBe(removesLock);
    expect(decision.annotations.get(LOCK_ANNOTATION) ?? null).toBeNull();
    expect(decision.annotations.get(LAST_OVERRIDE_ANNOTATION)).toBe(
      '{"at":"2026-11-21T09:30:00Z","by":"bob","holder":"alice","reason":"disk on fire"}',
    );
  });

  test("what the latch writes is what the guard takes for a claim", () => {
    const node = rewritten(held, { annotations: override, unschedulable: false });
    const decision = latched(held, node, asker("bob"));
    if (decision.kind !== "set") throw new Error(decision.kind);
    const result = rewritten(node, { annotations: Object.fromEntries(decision.annotations) });
    const change = changeOf({ operation: "UPDATE", subresource: "", old: held, node: result });
    expect(decide(change, asker("bob"), NOW, guardSettings())).toMatchObject({
      kind: "ask-override",
      reason: "disk on fire",
    });
    expect(decide(change, asker("eve"), NOW, guardSettings())).toMatchObject({ kind: "refuse" });
  });

  test("an empty reason is refused", () => {
    const node = rewritten(held, { annotations: { [OVERRIDE_ANNOTATION]: "" } });
    expect(latched(held, node, asker("bob"))).toMatchObject({ kind: "refuse" });
  });

  test("an override that was there before breaks nothing", () => {
    const before = locked(lockRecord(), { annotations: override });
    expect(latched(before, rewritten(before, { unschedulable: false }), asker("bob"))).toEqual({
      kind: "leave",
    });
  });

  test("on a node without lock it does nothing", () => {
    const before = nodeView();
    expect(latched(before, rewritten(before, { annotations: override }), asker("bob"))).toEqual({
      kind: "leave",
    });
  });
});

test.each([
  ["a strip", rewritten(locked(lockRecord()), { annotations: { [LOCK_ANNOTATION]: null } })],
  ["an untouched lock", locked(lockRecord())],
])("%s is left alone", (_name, node) => {
  expect(latched(locked(lockRecord()), node, asker("bob"))).toEqual({ kind: "leave" });
});

test("a node on its way out is left alone", () => {
  const old = { ...locked(lockRecord()), deleting: true };
  const node = rewritten(old, { annotations: { [OVERRIDE_ANNOTATION]: "x", [LOCK_ANNOTATION]: "y" } });
  expect(latched(old, node, asker("bob"))).toEqual({ kind: "leave" });
});

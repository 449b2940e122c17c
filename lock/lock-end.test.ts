/** What the latch writes beside the lock: autoscalers' annotations and kept uncordons. */
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
import { latch, type LatchDecision, type LatchSettings } from "./latch.ts";
import { LOCK_ANNOTATION, OVERRIDE_ANNOTATION, type NodeView } from "./node.ts";
import { readStoredLock, writeRecord, type Asker } from "./record.ts";
import { UNCORDON_REQUESTED_ANNOTATION } from "./requested-uncordon.ts";
import { kured } from "./tool-fixture.ts";
import { toolsByUser } from "./tool.ts";

const CA = "cluster-autoscaler.kubernetes.io/scale-down-disabled";
const KARPENTER = "karpenter.sh/do-not-disrupt";
const REQUESTED = UNCORDON_REQUESTED_ANNOTATION;
const BOBS = '{"at":"2026-11-21T09:30:00Z","by":"bob","groups":[]}';
const bobs = { kind: "ask", request: { at: "2026-11-21T09:30:00Z", by: "bob", groups: [] } };

const settings = latchSettings({ tools: toolsByUser([kured]) });

const alice = asker("alice");
const strip = { annotations: { [LOCK_ANNOTATION]: null } };
const autoscalers = { [CA]: "false", [KARPENTER]: null };
const record = lockRecord({ autoscalers });
const held = locked(record, { annotations: { [CA]: "true", [KARPENTER]: "true", [REQUESTED]: BOBS } });
const expired = { ...record, expiresAt: "2026-11-21T09:20:00Z" };
/** As `held`, under another lock. */
const heldBy = (part: Parameters<typeof lockRecord>[0]): NodeView =>
  rewritten(held, { annotations: { [LOCK_ANNOTATION]: writeRecord({ ...record, ...part }) } });

function latched(
  old: NodeView | null,
  node: NodeView,
  by: Asker,
  part: { subresource?: string; settings?: Partial<LatchSettings> } = {},
): LatchDecision {
  const { subresource = "" } = part;
  const change = changeOf({ operation: old === null ? "CREATE" : "UPDATE", subresource, old, node });
  const request = { change, before: old, after: node, subresource };
  return latch(request, by, NOW, { ...settings, ...part.settings });
}

/** What is written besides the lock itself. */
function beside(decision: LatchDecision): Record<string, string | null> {
  if (decision.kind !== "set") throw new Error(decision.kind);
  const { [LOCK_ANNOTATION]: _, ...rest } = Object.fromEntries(decision.annotations);
  return rest;
}

function recordIn(decision: LatchDecision): unknown {
  if (decision.kind !== "set") throw new Error(decision.kind);
  const lock = readStoredLock(decision.annotations.get(LOCK_ANNOTATION) ?? "");
  return lock.kind === "record" ? lock.record : lock.why;
}

const away = { [CA]: "true", [KARPENTER]: "true" };

describe("a new lock", () => {
  test.each<[string, NodeView | null, NodeView, Asker]>([
    ["by name", nodeView(), locked("x"), alice],
    ["with its node", null, locked("x"), alice],
    ["by a tool's cordon", nodeView({ unschedulable: false }), nodeView(), asker("kured", "n1")],
  ])("taken %s keeps autoscalers away and remembers what was there", (_name, old, node, by) => {
    const decision = latched(old, node, by);
    expect(beside(decision)).toEqual(away);
    expect(recordIn(decision)).toMatchObject({ autoscalers: { [CA]: null, [KARPENTER]: null } });
  });

  test("writes nothing beside itself where they are not to be kept away", () => {
    const decision = latched(nodeView(), locked("x"), alice, { settings: { keepAutoscalersAway: false } });
    expect(beside(decision)).toEqual({});
    expect(recordIn(decision)).not.toHaveProperty("autoscalers");
  });

  test("takes away a request that nobody can have guarded", () => {
    const early = nodeView({ annotations: { [REQUESTED]: BOBS } });
    const taken = rewritten(early, { annotations: { [LOCK_ANNOTATION]: "x" } });
    expect(beside(latched(early, taken, alice))).toMatchObject({ [REQUESTED]: null });
    expect(beside(latched(nodeView(), taken, alice))).toMatchObject({ [REQUESTED]: null });
    const unstamped = locked("raw", { annotations: { [REQUESTED]: BOBS } });
    const over = rewritten(unstamped, { annotations: { [LOCK_ANNOTATION]: "x" } });
    expect(beside(latched(unstamped, over, alice))).toMatchObject({ [REQUESTED]: null });
  });

  test.each<[string, NodeView, Asker]>([
    ["by name", rewritten(heldBy(expired), { annotations: { [LOCK_ANNOTATION]: "mine" } }), asker("bob")],
    ["by a tool's cordon", heldBy(expired), asker("kured", "n1")],
  ])("in place of an expired one, %s, remembers what that one had changed", (_name, node, by) => {
    const old = by.username === "kured" ? { ...heldBy(expired), unschedulable: false } : heldBy(expired);
    const decision = latched(old, node, by);
    expect(beside(decision)).toEqual({});
    expect(recordIn(decision)).toMatchObject({ holder: by.username, autoscalers });
  });
});

test("the holder's change of its lock keeps what is to be given back, and what was refused", () => {
  const decision = latched(held, rewritten(held, { annotations: { [LOCK_ANNOTATION]: "longer" } }), alice);
  expect(beside(decision)).toEqual({});
  expect(recordIn(decision)).toEqual({ ...record, reason: "longer" });
});

test("a change of what is to be given back that escaped the latch is refused", () => {
  const claim = { ...record, autoscalers: { [CA]: "evil" } };
  const node = rewritten(held, { annotations: { [LOCK_ANNOTATION]: writeRecord(claim) } });
  const change = changeOf({ operation: "UPDATE", subresource: "", old: held, node });
  const guarding = guardSettings({ tools: settings.tools });
  expect(decide(change, alice, NOW, guarding)).toEqual({ kind: "refuse", why: "not-stamped" });
});

describe("the end of a lock", () => {
  const given = { [CA]: "false", [KARPENTER]: null, [REQUESTED]: null };
  const open = { unschedulable: false };
  test.each<[string, NodeView, Parameters<typeof rewritten>[1], Asker, string, unknown]>([
    ["the holder removes it", held, strip, alice, "released", bobs],
    ["the holder removes it and uncordons", held, { ...strip, ...open }, alice, "released", { kind: "none" }],
    ["the holder's uncordon", heldBy({ release: "uncordon" }), open, alice, "released", { kind: "none" }],
    [
      "a tool's uncordon",
      heldBy({ holder: "kured" }),
      open,
      asker("kured", "n1"),
      "released",
      { kind: "none" },
    ],
    ["an override", held, { annotations: { [OVERRIDE_ANNOTATION]: "x" } }, asker("bob"), "broken", bobs],
    [
      "an override with the lock removed by hand",
      held,
      { annotations: { [OVERRIDE_ANNOTATION]: "x", [LOCK_ANNOTATION]: null } },
      asker("bob"),
      "broken",
      bobs,
    ],
  ])("gives back and takes the kept uncordon along: %s", (_name, old, change, by, why, kept) => {
    const decision = latched(old, rewritten(old, change), by);
    expect(beside(decision)).toMatchObject(given);
    expect(decision).toMatchObject({ why, kept });
    expect(rewrittenBy(old, change, decision).annotations.has(LOCK_ANNOTATION)).toBe(false);
  });

  test("leaves the kept uncordon undone through nodes/status, and where the setting is off", () => {
    const node = rewritten(held, strip);
    expect(latched(held, node, alice, { subresource: "status" })).toMatchObject({
      kept: { kind: "drop", why: "status-write", by: "bob" },
    });
    const off = latched(held, node, alice, { settings: { carryOutUncordons: false } });
    expect(off).toMatchObject({ kept: { kind: "drop", why: "turned-off" } });
    expect(beside(off)).toEqual(given);
  });

  test("gives back although new locks keep nobody away any more", () => {
    const off = latched(held, rewritten(held, strip), alice, { settings: { keepAutoscalersAway: false } });
    expect(beside(off)).toEqual(given);
  });

  test("is left alone where there is nothing to give back", () => {
    const plain = locked(lockRecord());
    expect(latched(plain, rewritten(plain, strip), alice)).toEqual({ kind: "leave" });
    const raw = locked("raw");
    expect(latched(raw, rewritten(raw, strip), alice)).toEqual({ kind: "leave" });
  });
});

test("an uncordon that leaves the lock, as on an expired one, takes the kept uncordon along and nothing else", () => {
  const old = heldBy(expired);
  const decision = latched(old, rewritten(old, { unschedulable: false }), asker("bob"));
  expect(decision).toMatchObject({ why: "tidied", kept: { kind: "none" } });
  expect(beside(decision)).toEqual({ [REQUESTED]: null });
});

test("a cordon, a request written down, or any other write of a locked node changes neither", () => {
  const open = { ...held, unschedulable: false };
  expect(latched(open, held, alice)).toEqual({ kind: "leave" });
  expect(latched(held, held, alice)).toEqual({ kind: "leave" });
  const other = rewritten(held, { annotations: { [REQUESTED]: "{}" } });
  expect(latched(held, other, asker("webhook"))).toEqual({ kind: "leave" });
});

function rewrittenBy(
  old: NodeView,
  change: Parameters<typeof rewritten>[1],
  decision: LatchDecision,
): NodeView {
  if (decision.kind !== "set") throw new Error(decision.kind);
  return rewritten(rewritten(old, change), { annotations: Object.fromEntries(decision.annotations) });
}

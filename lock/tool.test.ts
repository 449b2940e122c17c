import { describe, expect, test } from "vitest";
import { changeOf } from "./change.ts";
import { decide, type GuardSettings } from "./decide.ts";
import { locked, lockRecord, nodeView, NOW, rewritten } from "./fixture.ts";
import { latch, type LatchDecision } from "./latch.ts";
import { LOCK_ANNOTATION, OVERRIDE_ANNOTATION, type NodeView } from "./node.ts";
import { readStoredLock, RELEASES, type Asker, type LockRecord } from "./record.ts";
import { askerFor, toolAnnotations, toolsByUser, type Tool } from "./tool.ts";

const KEY = "example.com/rebooting";
const kured: Tool = {
  name: "kured",
  username: "kured",
  lockOn: { kind: "cordon" },
  releaseOn: { kind: "uncordon" },
  ttlMillis: undefined,
  perNode: true,
};
const rover: Tool = { ...kured, name: "rover", username: "rover", perNode: false, ttlMillis: 3_600_000 };
const marker: Tool = {
  ...kured,
  name: "marker",
  username: "marker",
  lockOn: { kind: "annotation-added", key: KEY },
  releaseOn: { kind: "annotation-removed", key: KEY },
};
const prover: Tool = { ...kured, name: "prover", username: "prover", releaseOn: { kind: "reboot" } };
const tools = toolsByUser([kured, rover, marker, prover]);
const latching = {
  limits: { defaultTtlMillis: undefined, minTtlMillis: 60_000, maxTtlMillis: 86_400_000 },
  tools,
  keepAutoscalersAway: false,
  carryOutUncordons: false,
};
const guarding: GuardSettings = {
  mode: "enforce",
  onExpired: "allow",
  exemptDeleters: new Set(),
  agentUsername: "agent",
  webhookUsername: "webhook",
  acceptNodeIdentity: false,
  tools,
};

const by = (username: string, node?: string): Asker => askerFor(username, node, tools);
const open = nodeView({ unschedulable: false });
const cordoned = nodeView({ unschedulable: true });
const kuredLock = (part: Partial<LockRecord> = {}): LockRecord =>
  lockRecord({ holder: "kured", holderNode: "n1", release: "uncordon", ...part });
const marked = (node: NodeView, value: string | null): NodeView =>
  rewritten(node, { annotations: { [KEY]: value } });

function latched(old: NodeView, node: NodeView, asker: Asker, subresource = ""): LatchDecision {
  const change = changeOf({ operation: "UPDATE", subresource, old, node });
  return latch({ change, before: old, after: node, subresource }, asker, NOW, latching);
}

/** "left", "released", "locked" and so on. */
function outcome(decision: LatchDecision): string {
  return decision.kind === "set" ? decision.why : decision.kind;
}

/** What the guard says about the request once the latch has been at it. */
function guarded(old: NodeView, node: NodeView, asker: Asker, settings = guarding): string {
  const decision = latched(old, node, asker);
  const after =
    decision.kind === "set"
      ? rewritten(node, { annotations: Object.fromEntries(decision.annotations) })
      : node;
  const change = changeOf({ operation: "UPDATE", subresource: "", old, node: after });
  const decided = decide(change, asker, NOW, settings);
  return `${decided.kind} ${decided.why}`;
}

const storedBy = (decision: LatchDecision): unknown =>
  decision.kind === "set" ? readStoredLock(decision.annotations.get(LOCK_ANNOTATION) ?? "") : decision;

describe("a tool's own write takes the lock", () => {
  test.each<[string, NodeView, NodeView, Asker, string]>([
    ["kured's cordon of its own node", open, cordoned, by("kured", "n1"), "locked"],
    ["of another node", open, cordoned, by("kured", "n2"), "leave"],
    ["with a token that names no node", open, cordoned, by("kured"), "locked"],
    ["again", cordoned, cordoned, by("kured", "n1"), "leave"],
    ["somebody else's cordon", open, cordoned, by("bob", "n1"), "leave"],
    ["kured's uncordon of a node without lock", cordoned, open, by("kured", "n1"), "leave"],
    ["kured's label", open, open, by("kured", "n1"), "leave"],
    ["a controller's cordon, wherever its pod is", open, cordoned, by("rover", "n7"), "locked"],
    ["the mark", open, marked(open, "now"), by("marker", "n1"), "locked"],
    ["the mark on a cordoned node", cordoned, marked(cordoned, "now"), by("marker", "n1"), "locked"],
    ["the mark on another node", open, marked(open, "now"), by("marker", "n2"), "leave"],
    ["a mark that says false", open, marked(open, "false"), by("marker", "n1"), "leave"],
    ["false becomes true", marked(open, "false"), marked(open, "true"), by("marker", "n1"), "locked"],
    ["an older mark stays", marked(open, "a"), marked(open, "b"), by("marker", "n1"), "leave"],
    ["a cordon under an older mark", marked(open, "a"), marked(cordoned, "a"), by("marker", "n1"), "locked"],
    ["a cordon without the mark", open, cordoned, by("marker", "n1"), "leave"],
    ["kured's mark, which counts for nothing", open, marked(open, "now"), by("kured", "n1"), "leave"],
    ["somebody else's mark", open, marked(open, "now"), by("bob"), "leave"],
  ])("%s", (_what, old, node, asker, expected) => {
    expect(outcome(latched(old, node, asker))).toBe(expected);
  });

  test("not through nodes/status, which takes no spec", () => {
    expect(outcome(latched(open, cordoned, by("kured", "n1"), "status"))).toBe("leave");
    expect(outcome(latched(open, marked(open, "now"), by("marker", "n1"), "status"))).toBe("locked");
  });

  test("not on a node on its way out", () => {
    expect(outcome(latched({ ...open, deleting: true }, cordoned, by("kured", "n1")))).toBe("leave");
  });

  test("stamped from what was before, with the tool's release and life", () => {
    expect(storedBy(latched(open, cordoned, by("kured", "n1")))).toEqual({
      kind: "record",
      record: {
        holder: "kured",
        holderNode: "n1",
        reason: "cordoned by kured",
        acquiredAt: "2026-11-21T09:30:00Z",
        nodeUID: "uid-n1",
        bootID: "boot-1",
        wasUnschedulable: false,
        release: "uncordon",
      },
    });
    expect(storedBy(latched(cordoned, marked(cordoned, "x"), by("marker", "n1")))).toMatchObject({
      record: { reason: "marked by marker", wasUnschedulable: true, release: "explicit" },
    });
    expect(storedBy(latched(open, cordoned, by("prover", "n1")))).toMatchObject({
      record: { release: "reboot" },
    });
  });

  test("a controller's lock carries no node, so that its next pod still holds it", () => {
    const decision = storedBy(latched(open, cordoned, by("rover", "n7")));
    expect(decision).toMatchObject({ record: { expiresAt: "2026-11-21T10:30:00Z" } });
    expect(decision).not.toHaveProperty("record.holderNode");
  });

  test("the default life is that of every lock", () => {
    const change = changeOf({ operation: "UPDATE", subresource: "", old: open, node: cordoned });
    const settings = { ...latching, limits: { ...latching.limits, defaultTtlMillis: 7_200_000 } };
    const request = { change, before: open, after: cordoned };
    expect(storedBy(latch(request, by("kured", "n1"), NOW, settings))).toMatchObject({
      record: { expiresAt: "2026-11-21T11:30:00Z" },
    });
  });

  test("a lock that the tool writes itself is stamped as anybody's", () => {
    const node = rewritten(cordoned, { annotations: { [LOCK_ANNOTATION]: "by hand" } });
    expect(storedBy(latched(open, node, by("kured", "n1")))).toMatchObject({
      record: { reason: "by hand", release: "explicit" },
    });
  });
});

describe("a cordon of a node that is locked already", () => {
  const held = (part: Partial<LockRecord>, node: Partial<NodeView> = {}): NodeView => ({
    ...locked(kuredLock(part), { unschedulable: false }),
    ...node,
  });
  test.each<[string, NodeView, Asker, string, string]>([
    ["its own: nothing", held({}), by("kured", "n1"), "leave", "allow by-holder"],
    [
      "its own, but expired: begun anew",
      held({ expiresAt: "2026-11-21T09:00:00Z" }),
      by("kured", "n1"),
      "locked",
      "allow by-holder",
    ],
    [
      "its own, but of an earlier boot",
      held({}, { bootID: "boot-2" }),
      by("kured", "n1"),
      "locked",
      "allow by-holder",
    ],
    [
      "its own, but of an earlier node",
      held({}, { uid: "uid-2" }),
      by("kured", "n1"),
      "locked",
      "allow by-holder",
    ],
    ["somebody else's: refused", held({ holder: "alice" }), by("kured", "n1"), "leave", "refuse not-holder"],
    [
      "somebody else's of an earlier boot: still refused",
      held({ holder: "alice" }, { bootID: "boot-2" }),
      by("kured", "n1"),
      "leave",
      "refuse not-holder",
    ],
    [
      "its pod's on another node: refused",
      held({ holderNode: "n2" }),
      by("kured", "n1"),
      "leave",
      "refuse holder-on-other-node",
    ],
    [
      "nobody's: refused",
      locked("x", { unschedulable: false }),
      by("kured", "n1"),
      "leave",
      "refuse unknown-holder",
    ],
    [
      "somebody else's, but expired: taken over",
      held({ holder: "alice", expiresAt: "2026-11-21T09:00:00Z" }),
      by("kured", "n1"),
      "locked",
      "allow expired",
    ],
    ["by a person: as ever", held({}), by("bob"), "leave", "allow not-relevant"],
    [
      "by a kured of another node: refused",
      held({}),
      by("kured", "n2"),
      "leave",
      "refuse holder-on-other-node",
    ],
  ])("%s", (_what, old, asker, latchedAs, guardedAs) => {
    const node = rewritten(old, { unschedulable: true });
    expect(outcome(latched(old, node, asker))).toBe(latchedAs);
    expect(guarded(old, node, asker)).toBe(guardedAs);
  });

  test("where expired locks hold on, none is taken over", () => {
    const old = held({ holder: "alice", expiresAt: "2026-11-21T09:00:00Z" });
    const node = rewritten(old, { unschedulable: true });
    expect(guarded(old, node, by("kured", "n1"), { ...guarding, onExpired: "deny" })).toBe(
      "refuse not-holder",
    );
  });

  test("in mode warn it passes", () => {
    const old = held({ holder: "alice" });
    const node = rewritten(old, { unschedulable: true });
    expect(guarded(old, node, by("kured", "n1"), { ...guarding, mode: "warn" })).toBe("allow mode-warn");
  });
});

describe("a tool's own uncordon", () => {
  test.each(RELEASES)("ends its lock with release %s in the same write", (release) => {
    const old = locked(kuredLock({ release }));
    const node = rewritten(old, { unschedulable: false });
    expect(outcome(latched(old, node, by("kured", "n1")))).toBe("released");
    expect(guarded(old, node, by("kured", "n1"))).toBe("allow by-holder");
  });

  test("is not refused where the latch did not answer", () => {
    const old = locked(kuredLock({ release: "reboot" }));
    const change = changeOf({
      operation: "UPDATE",
      subresource: "",
      old,
      node: rewritten(old, { unschedulable: false }),
    });
    expect(decide(change, by("kured", "n1"), NOW, guarding)).toMatchObject({
      kind: "allow",
      insteadOf: "lock-would-stay",
    });
  });

  test("ends it even where the same write changes the value", () => {
    const old = locked(kuredLock());
    const node = rewritten(old, { unschedulable: false, annotations: { [LOCK_ANNOTATION]: "stale copy" } });
    expect(outcome(latched(old, node, by("kured", "n1")))).toBe("released");
    expect(guarded(old, node, by("kured", "n1"))).toBe("allow by-holder");
  });

  test.each<[string, LockRecord, Asker, string]>([
    ["from another node", kuredLock(), by("kured", "n2"), "refuse holder-on-other-node"],
    ["without a node's name, of a pod's lock", kuredLock(), by("kured"), "refuse holder-on-other-node"],
    [
      "of somebody else's lock",
      kuredLock({ holder: "alice" }),
      by("kured", "n1"),
      "refuse holder-on-other-node",
    ],
    ["by somebody else", kuredLock(), by("bob", "n1"), "refuse not-holder"],
    ["by another tool", kuredLock(), by("rover"), "refuse not-holder"],
  ])("%s ends nothing", (_what, record, asker, expected) => {
    const { holderNode: _, ...free } = record;
    const old = locked(record.holder === "alice" ? free : record);
    const node = rewritten(old, { unschedulable: false });
    expect(outcome(latched(old, node, asker))).toBe("leave");
    expect(guarded(old, node, asker)).toBe(record.holder === "alice" ? "refuse not-holder" : expected);
  });

  test("a lock that was taken without a node is any such pod's to end", () => {
    const old = locked(lockRecord({ holder: "kured", release: "uncordon" }));
    const node = rewritten(old, { unschedulable: false });
    expect(guarded(old, node, by("kured", "n9"))).toBe("allow by-holder");
  });

  test("a controller ends its lock from wherever its pod is now", () => {
    const old = locked(lockRecord({ holder: "rover", release: "uncordon" }));
    expect(guarded(old, rewritten(old, { unschedulable: false }), by("rover", "n9"))).toBe("allow by-holder");
  });

  test("through nodes/status it is none", () => {
    const old = locked(kuredLock());
    expect(outcome(latched(old, rewritten(old, { unschedulable: false }), by("kured", "n1"), "status"))).toBe(
      "leave",
    );
  });
});

describe("the removal of a mark", () => {
  const unmarked = locked(lockRecord({ holder: "marker", holderNode: "n1" }), { unschedulable: false });
  const mine = marked(locked(lockRecord({ holder: "marker", holderNode: "n1" })), "x");
  test.each<[string, NodeView, NodeView, Asker, string]>([
    ["by its holder ends the lock", mine, marked(mine, null), by("marker", "n1"), "released"],
    ["so does the value false", mine, marked(mine, "false"), by("marker", "n1"), "released"],
    [
      "without a mark, no write does",
      unmarked,
      rewritten(unmarked, { unschedulable: true }),
      by("marker", "n1"),
      "leave",
    ],
    ["another value does not", mine, marked(mine, "y"), by("marker", "n1"), "leave"],
    ["from another node does not", mine, marked(mine, null), by("marker", "n2"), "leave"],
    ["by a stranger does not", mine, marked(mine, null), by("bob"), "leave"],
    [
      "of somebody else's lock does not",
      marked(locked(lockRecord()), "x"),
      locked(lockRecord()),
      by("marker", "n1"),
      "leave",
    ],
    ["by a tool that ends otherwise does not", mine, marked(mine, null), by("kured", "n1"), "leave"],
  ])("%s", (_what, old, node, asker, expected) => {
    expect(outcome(latched(old, node, asker))).toBe(expected);
  });

  test("passes the guard and leaves the node cordoned", () => {
    expect(guarded(mine, marked(mine, null), by("marker", "n1"))).toBe("allow by-holder");
  });
});

test("break-glass comes before the tools' rules", () => {
  const old = locked(kuredLock({ holder: "alice" }), { unschedulable: false });
  const node = rewritten(old, { unschedulable: true, annotations: { [OVERRIDE_ANNOTATION]: "fire" } });
  expect(outcome(latched(old, node, by("kured", "n1")))).toBe("broken");
});

test("the annotations that must be read are those that the tools name", () => {
  expect([...toolAnnotations([kured, rover])]).toEqual([]);
  expect([
    ...toolAnnotations([marker, { ...marker, releaseOn: { kind: "annotation-removed", key: "x" } }]),
  ]).toEqual([KEY, "x"]);
});

test("only a controller's node is left out of who asks", () => {
  expect(by("rover", "n7")).toEqual({ username: "rover", node: undefined });
  expect(by("kured", "n7")).toEqual({ username: "kured", node: "n7" });
  expect(by("bob", "n7")).toEqual({ username: "bob", node: "n7" });
});

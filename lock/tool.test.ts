import { describe, expect, test } from "vitest";
import { changeOf } from "./change.ts";
import { locked, NOW, rewritten } from "./fixture.ts";
import { latch } from "./latch.ts";
import { LOCK_ANNOTATION, type NodeView } from "./node.ts";
import type { Asker, LockRecord } from "./record.ts";
import {
  by,
  cordoned,
  guarded,
  guarding,
  KEY,
  kured,
  kuredLock,
  latched,
  latching,
  marked,
  marker,
  open,
  outcome,
  rover,
  storedBy,
} from "./tool-fixture.ts";
import { toolAnnotations } from "./tool.ts";

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

/** How a tool's lock ends: by its own uncordon, by the removal of its mark, and by nothing else of anybody's. */
import { describe, expect, test } from "vitest";
import { changeOf } from "./change.ts";
import { decide } from "./decide.ts";
import { locked, lockRecord, NOW, rewritten } from "./fixture.ts";
import { LOCK_ANNOTATION, OVERRIDE_ANNOTATION, type NodeView } from "./node.ts";
import { RELEASES, type Asker, type LockRecord } from "./record.ts";
import { by, guarded, guarding, kuredLock, latched, marked, outcome } from "./tool-fixture.ts";

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

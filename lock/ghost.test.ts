import { expect, test } from "vitest";
import { locked, lockRecord, nodeView, NOW } from "./fixture.ts";
import { ghostSigns, GHOST_PATIENCE_MILLIS, type GhostFacts, type GhostRule } from "./ghost.ts";

const MINUTE = 60_000;
/** The fixture's lock was taken 16 minutes ago, in boot-1. */
const ACQUIRED = NOW - 16 * MINUTE;

function facts(part: Partial<GhostFacts> = {}): GhostFacts {
  return {
    node: locked(lockRecord()),
    readiness: { isReady: true, sinceMillis: ACQUIRED - 60 * MINUTE },
    holder: "there",
    nowMillis: NOW,
    ...part,
  };
}
const away = (sinceMillis: number | undefined) => ({ isReady: false, sinceMillis });
const back = (sinceMillis: number | undefined) => ({ isReady: true, sinceMillis });
const rebooted = (release: "explicit" | "uncordon" | "reboot") =>
  locked(lockRecord({ release }), { bootID: "boot-2" });
const rulesOf = (given: GhostFacts): readonly GhostRule[] => ghostSigns(given).map(({ rule }) => rule);

test.each<[string, Partial<GhostFacts>]>([
  ["a lock in use", {}],
  ["no lock", { node: nodeView(), holder: "account-gone", readiness: away(0) }],
  ["a lock that was never stamped", { node: locked("by hand"), holder: "unknown", readiness: away(0) }],
  [
    "a node that is being deleted",
    { node: locked(lockRecord(), { deleting: true }), holder: "account-gone" },
  ],
  ["a lock that expires later", { node: locked(lockRecord({ expiresAt: "2026-11-21T09:30:01Z" })) }],
  ["a holder of whom nothing is known", { holder: "unknown" }],
  ["a node that says nothing of its readiness", { readiness: undefined, node: rebooted("reboot") }],
  ["a node that went away a moment ago", { readiness: away(NOW - GHOST_PATIENCE_MILLIS + 1) }],
  ["a node that went away nobody knows when", { readiness: away(undefined) }],
  ["a node that was away before it was locked", { readiness: away(ACQUIRED - 1) }],
  ["an explicit lock after the reboot", { node: rebooted("explicit"), readiness: back(ACQUIRED) }],
  ["a node just back from its reboot", { node: rebooted("reboot"), readiness: back(NOW - MINUTE) }],
  ["a boot that began just now", { node: rebooted("reboot"), bootedMillis: NOW - MINUTE }],
  ["the same boot", { node: locked(lockRecord({ release: "reboot" })), readiness: back(ACQUIRED) }],
  [
    "a lock of an unknown boot",
    { node: locked(lockRecord({ release: "reboot", bootID: "" })), readiness: back(ACQUIRED) },
  ],
  [
    "a boot that is not reported",
    { node: locked(lockRecord({ release: "reboot" }), { bootID: "" }), readiness: back(ACQUIRED) },
  ],
  ["a node without a UID in the answer", { node: locked(lockRecord(), { uid: "" }) }],
])("%s is no ghost", (_what, part) => {
  expect(ghostSigns(facts(part))).toEqual([]);
});

test.each<[GhostRule, string, Partial<GhostFacts>]>([
  ["expired", "the lock has expired", { node: locked(lockRecord({ expiresAt: "2026-11-21T09:30:00Z" })) }],
  [
    "expired",
    "the lock expired 9m5s ago",
    { node: locked(lockRecord({ expiresAt: "2026-11-21T09:20:55Z" })) },
  ],
  [
    "other-node",
    "the lock was taken for an earlier node of this name",
    { node: locked(lockRecord(), { uid: "uid-2" }) },
  ],
  ["not-ready", "the node has not been ready for 15m", { readiness: away(NOW - GHOST_PATIENCE_MILLIS) }],
  ["not-ready", "the node has not been ready for 16m", { readiness: away(ACQUIRED) }],
  [
    "not-released",
    "the node has rebooted and been back for 15m, and the lock was not released",
    { node: rebooted("reboot"), readiness: back(NOW - GHOST_PATIENCE_MILLIS) },
  ],
  [
    "not-released",
    "the node has rebooted and been back for 16m, and the lock was not released",
    // Too quick for anybody to see that it was away: it counts from the lock.
    { node: rebooted("uncordon"), readiness: back(0) },
  ],
  [
    "not-released",
    "the node has rebooted and been back for 15m, and the lock was not released",
    { node: rebooted("uncordon"), readiness: back(NOW), bootedMillis: NOW - GHOST_PATIENCE_MILLIS },
  ],
  ["holder-gone", "alice no longer exists", { holder: "account-gone" }],
  ["holder-pod-gone", "alice has no pod any more", { holder: "pod-gone" }],
  [
    "holder-pod-gone",
    "alice has no pod on n1 any more",
    { holder: "pod-gone", node: locked(lockRecord({ holderNode: "n1" })) },
  ],
])("%s: %s", (rule, text, part) => {
  expect(ghostSigns(facts(part))).toEqual([{ rule, text }]);
});

test("all signs are told, the expiry last; what others wrote stays in one line", () => {
  const record = lockRecord({ holder: "a\nb", expiresAt: "2026-11-21T09:20:00Z" });
  const ghost = facts({
    node: locked(record, { uid: "uid-2" }),
    holder: "account-gone",
    readiness: away(ACQUIRED),
  });
  expect(rulesOf(ghost)).toEqual(["other-node", "holder-gone", "not-ready", "expired"]);
  expect(ghostSigns(ghost)[1]?.text).toBe("a b no longer exists");
});

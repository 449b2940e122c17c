/** Every rule by which a fleet is judged, broken once. */
import { expect, test } from "vitest";
import { AGENT_USER, judgeReboot, judgeRefusal, judgeWrite, type Stored } from "./judge.ts";

const truth = { name: "n1", uid: "u1", bootID: "b2", isClean: true };
const tool = { user: "tool", node: "n1" };
const agent = { user: AGENT_USER, node: "n1" };
const bob = { user: "bob", node: undefined };

function lock(change: object = {}): string {
  const record = { holder: "tool", holderNode: "n1", nodeUID: "u1", bootID: "b2", release: "reboot" };
  return JSON.stringify({ acquiredAt: "2026-11-21T09:14:00Z", ...record, ...change });
}
const free: Stored = { lock: undefined, cordoned: false, bootID: "b2" };
const cordoned: Stored = { ...free, cordoned: true };
const locked: Stored = { ...cordoned, lock: lock() };
/** Locked in the boot before. */
const rebooted: Stored = { ...locked, lock: lock({ bootID: "b1" }) };

test("the ways of a lock that are as they should be", () => {
  expect(judgeWrite(free, locked, tool, truth)).toBeUndefined();
  expect(judgeWrite(locked, free, tool, truth)).toBeUndefined();
  expect(judgeWrite(rebooted, free, agent, truth)).toBeUndefined();
  expect(judgeWrite(cordoned, free, bob, truth)).toBeUndefined();
  expect(judgeWrite(locked, locked, bob, truth)).toBeUndefined();
  expect(judgeReboot(locked, "tool", truth)).toBeUndefined();
  expect(judgeRefusal(locked, true, bob)).toBeUndefined();
  expect(judgeRefusal(locked, false, tool)).toBeUndefined();
});

test.each([
  ["uncordon by others", locked, { ...locked, cordoned: false }, bob, "by bob"],
  ["removal by others", locked, cordoned, bob, "by bob"],
  [
    "change by others",
    locked,
    { ...locked, lock: lock({ holder: "bob", holderNode: undefined }) },
    bob,
    "by bob",
  ],
  ["the tool's pod of another node", locked, free, { user: "tool", node: "n2" }, "by tool"],
  ["the agent of another node", rebooted, free, { user: AGENT_USER, node: "n2" }, "by system:serviceaccount"],
  ["a lock that stays", locked, { ...locked, cordoned: false }, tool, "stayed on an uncordoned node"],
  ["a forged holder", free, locked, bob, "in the name of somebody else"],
  ["another node's UID", free, { ...locked, lock: lock({ nodeUID: "u0" }) }, tool, "for another node"],
  ["a value of nobody", free, { ...cordoned, lock: "mine" }, bob, "nobody stamped"],
  ["an end of a lock of nobody", { ...cordoned, lock: "" }, cordoned, tool, "a lock of nobody"],
  ["the agent before the reboot", locked, free, agent, "before the reboot"],
  ["the agent before the report", { ...rebooted, bootID: "b1" }, free, agent, "had reported the boot"],
  [
    "the agent on another's lock",
    { ...rebooted, lock: lock({ bootID: "b1", release: "explicit" }) },
    free,
    agent,
    "not its to end",
  ],
  [
    "the agent that changes",
    rebooted,
    { ...rebooted, lock: lock({ holder: AGENT_USER }) },
    agent,
    "changed a lock",
  ],
] as const)("a write is wrong: %s", (_what, before, after, doer, words) => {
  expect(judgeWrite(before, after, doer, truth)).toContain(words);
});

test("the agent must not release before the node is clean", () => {
  expect(judgeWrite(rebooted, free, agent, { ...truth, isClean: false })).toContain(
    "before the node was clean",
  );
});

test.each([
  ["schedulable", { ...locked, cordoned: false }, "tool", "a schedulable node"],
  ["unlocked", cordoned, "tool", "an unlocked node"],
  ["locked by nobody", { ...cordoned, lock: "" }, "tool", "a lock of nobody"],
  ["locked by another", locked, "other", "the lock of tool"],
  ["locked for an earlier node", { ...locked, lock: lock({ nodeUID: "u0" }) }, "tool", "of an earlier one"],
  ["locked in an earlier boot", rebooted, "tool", "a second time"],
])("a reboot is wrong: %s", (_what, stored, user, words) => {
  expect(judgeReboot(stored, user, truth)).toContain(words);
});

test("a tool that is refused its own uncordon is stuck for ever", () => {
  expect(judgeRefusal(locked, true, tool)).toContain("refused its own uncordon");
});

/**
 * The protocol of a reboot, every state of it: a tool that locks, asks the gate and reboots, an adversary who may write
 * nodes and tries every shape of request, a webhook that comes and goes, power that fails, a clock that passes expiries.
 */
import { expect, test } from "vitest";
import { explore } from "./explore.ts";
import { REAL_RULES, type Bounds, type Rules } from "./node.ts";

const json = (value: object): string => JSON.stringify(value);
/** One node, everything that the model has. */
const ALL: Bounds = {
  boots: 3,
  uids: 2,
  toolLocks: [
    json({ release: "uncordon" }),
    json({ release: "reboot" }),
    json({ release: "explicit", ttl: "30m" }),
  ],
  strangeLocks: [""],
  outages: true,
  namesItself: true,
};
/** One node, for broken rules: less of everything is enough to find them. */
const FEW: Bounds = {
  ...ALL,
  uids: 1,
  toolLocks: [json({ release: "uncordon" }), json({ ttl: "30m" })],
};
/** Two nodes: their product, with what concerns both. */
const BOTH: Bounds = {
  boots: 2,
  uids: 1,
  toolLocks: [json({ release: "reboot" })],
  strangeLocks: [],
  outages: true,
  namesItself: true,
};

const all = explore(1, ALL, REAL_RULES);

test("one node: no way leads to a harmful reboot, an early uncordon or a stolen lock", () => {
  expect(all.violation).toBeUndefined();
  expect(all.states).toBeGreaterThan(2_000);
  // Nothing of this is true for want of anything happening.
  for (const event of [
    "tool the gate opens",
    "tool reboot",
    "tool uncordons",
    "tool removes the lock and uncordons",
    "agent removes the lock and uncordons",
    "adversary deletes the node",
    "adversary uncordons",
    "adversary removes the lock",
    "others the power fails",
    "others a pod is scheduled",
  ]) {
    expect(all.happened).toContain(event);
  }
});

test("one node: every lock that the webhook stamped can be ended without break-glass", () => {
  expect(explore(1, { ...FEW, outages: false }, REAL_RULES).stuck).toBe(0);
  // A lock that was taken while the webhook was away is nobody's: that is what break-glass is for.
  expect(all.stuck).toBeGreaterThan(0);
});

test("two nodes: the tool's pod and the agent of one can do nothing to the other", () => {
  const { violation, happened } = explore(2, BOTH, REAL_RULES);
  expect(violation).toBeUndefined();
  expect(happened).toContain("tool reboot");
});

test("a tool that does not name itself may reboot under the lock of another, who then ends it", () => {
  const { violation } = explore(1, { ...FEW, outages: false, namesItself: false }, REAL_RULES);
  expect(violation).toContain("an unlocked node was rebooted");
});

const open = { kind: "allow", why: "by-holder" } as const;

/** One rule broken at a time: the model must see it. */
test.each<[string, Partial<Rules>, string]>([
  [
    "a gate that forgets pods",
    { judgeGate: (facts) => REAL_RULES.judgeGate({ ...facts, pods: [] }) },
    "a node with pods was rebooted",
  ],
  [
    "a gate that forgets the cordon",
    {
      judgeGate: (facts) => REAL_RULES.judgeGate({ ...facts, node: { ...facts.node, unschedulable: true } }),
    },
    "was rebooted",
  ],
  [
    "a gate that forgets the boot",
    {
      judgeGate: (facts) => {
        const bootID = /boot-\d/.exec([...facts.node.annotations.values()].join())?.[0] ?? "";
        return REAL_RULES.judgeGate({ ...facts, bootID, node: { ...facts.node, bootID } });
      },
    },
    "a second time under one lock",
  ],
  [
    "a gate that forgets the expiry",
    { judgeGate: (facts) => REAL_RULES.judgeGate({ ...facts, nowMillis: 0 }) },
    "an unlocked node was rebooted",
  ],
  [
    "a guard that lets everything pass",
    { decide: () => open },
    "ended, changed or uncordoned a lock of kured",
  ],
  [
    "a guard that takes every pod of the tool for the holder",
    {
      decide: (change, asker, now, settings) =>
        REAL_RULES.decide(
          change,
          asker.username === "kured" ? { ...asker, node: "n" } : asker,
          now,
          settings,
        ),
    },
    "tool of the other node ended, changed or uncordoned",
  ],
  [
    "a guard that lets the agent go before the reboot",
    {
      decide: (change, asker, now, settings) =>
        asker.username.endsWith("nodelatch-agent") ? open : REAL_RULES.decide(change, asker, now, settings),
    },
    "the agent ended a lock",
  ],
  [
    "a latch that leaves the lock when its holder uncordons",
    {
      latch: (request, asker, now, limits) =>
        request.change.kind === "uncordon"
          ? { kind: "leave" }
          : REAL_RULES.latch(request, asker, now, limits),
    },
    "a lock stayed on a schedulable node",
  ],
])("%s is found", (_what, rules, words) => {
  const { violation } = explore(1, { ...FEW, outages: false }, { ...REAL_RULES, ...rules });
  expect(violation).toContain(words);
});

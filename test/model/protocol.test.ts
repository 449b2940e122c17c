/**
 * The protocol of a reboot, every state of it: a tool that locks, asks the gate and reboots, an adversary who may write
 * nodes and tries every shape of request, a webhook that comes and goes, power that fails, a clock that passes expiries.
 */
import { expect, test } from "vitest";
import type { Tool } from "../../lock/tool.ts";
import { explore } from "./explore.ts";
import { REAL_RULES } from "./node.ts";
import type { Bounds } from "./state.ts";

const json = (value: object): string => JSON.stringify(value);

/** A tool that writes its lock by itself. */
const WRITTEN: Bounds = {
  boots: 3,
  uids: 2,
  tools: [],
  toolLocks: [json({ release: "uncordon" }), json({ release: "reboot", ttl: "30m" })],
  outages: true,
  expires: true,
  cleans: false,
  namesItself: true,
  strangeLocks: [""],
  carriesOut: false,
};

const KURED: Tool = {
  name: "kured",
  username: "kured",
  lockOn: { kind: "cordon" },
  releaseOn: { kind: "uncordon" },
  ttlMillis: undefined,
  perNode: true,
};
const RIVAL: Tool = { ...KURED, name: "rival", username: "rival", perNode: false };

/** A tool that knows nothing of locks, and another one on the same node; refused uncordons are carried out. */
const KNOWN: Bounds = {
  ...WRITTEN,
  toolLocks: [],
  tools: [KURED, RIVAL],
  carriesOut: true,
  expires: false,
};
const REBOOT: Bounds = {
  ...KNOWN,
  tools: [{ ...KURED, releaseOn: { kind: "reboot" } }, RIVAL],
  cleans: true,
};
/** Two nodes: their product, with what concerns both. */
const BOTH: Bounds = {
  ...REBOOT,
  boots: 2,
  uids: 1,
  tools: REBOOT.tools.slice(0, 1),
  carriesOut: false,
  strangeLocks: [],
};

test("a tool that writes its lock: no way leads to a harmful reboot, an early uncordon or a stolen lock", () => {
  const all = explore(1, WRITTEN, REAL_RULES);
  expect(all.violation).toBeUndefined();
  expect(all.states).toBeGreaterThan(2_000);
  // Nothing of this is true for want of anything happening.
  for (const event of [
    "tool the gate opens",
    "tool reboot",
    "tool uncordons",
    "tool removes the lock and uncordons",
    "agent removes the lock and uncordons",
    "agent releases",
    "adversary deletes the node",
    "adversary uncordons",
    "adversary uncordons, and is refused",
    "adversary removes the lock",
    "others the power fails",
    "others a pod is scheduled",
  ]) {
    expect(all.happened).toContain(event);
  }
  // A lock that was taken while the webhook was away is nobody's: that is what break-glass is for.
  expect(all.stuck).toBeGreaterThan(0);
});

test.each([
  ["whose uncordon ends the lock", KNOWN],
  ["whose lock the agent ends", REBOOT],
  [
    "whose lock expires",
    { ...KNOWN, tools: [{ ...KURED, ttlMillis: 1_800_000 }, RIVAL], expires: true, uids: 1 },
  ],
])("a known tool %s: it is never stuck, nobody comes between, and a rival waits", (_what, bounds) => {
  const { violation, states, happened } = explore(1, bounds, REAL_RULES);
  expect(violation).toBeUndefined();
  expect(states).toBeGreaterThan(1_000);
  for (const event of [
    "tool cordons",
    "tool uncordons",
    "tool the gate opens",
    "tool reboot",
    "tool cordons, and is refused",
    "rival cordons",
    "rival cordons, and is refused",
    "rival uncordons, and is refused",
    "tool of the other node uncordons, and is refused",
    "webhook keeps it",
    "adversary makes up an uncordon",
    "adversary makes up an uncordon, and is refused",
    "adversary withdraws its uncordon",
  ]) {
    expect(happened).toContain(event);
  }
});

test.each([
  ["writes it", { ...WRITTEN, uids: 1, toolLocks: [json({ ttl: "30m" })] }],
  ["is known", KNOWN],
  ["is known, and the agent releases", REBOOT],
])(
  "every lock that the webhook stamped can be ended without break-glass, where a tool %s",
  (_what, bounds) => {
    expect(explore(1, { ...bounds, outages: false, strangeLocks: [] }, REAL_RULES).stuck).toBe(0);
  },
);

test("two nodes, one tool, one adversary: the pods of one node can do nothing to the other", () => {
  const { violation, happened } = explore(2, BOTH, REAL_RULES);
  expect(violation).toBeUndefined();
  expect(happened).toContain("tool reboot");
  expect(happened).toContain("agent releases");
});

test("a tool that does not name itself may reboot under the lock of another, who then ends it", () => {
  const { violation } = explore(1, { ...WRITTEN, uids: 1, outages: false, namesItself: false }, REAL_RULES);
  expect(violation).toContain("an unlocked node was rebooted");
});

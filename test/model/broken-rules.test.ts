/** One rule of the product broken at a time: the model must see it. */
import { expect, test } from "vitest";
import type { Tool } from "../../lock/tool.ts";
import { explore } from "./explore.ts";
import { REAL_RULES } from "./node.ts";
import type { Bounds, Rules } from "./state.ts";

const json = (value: object): string => JSON.stringify(value);
/** Less of everything is enough to find them. */
const WRITTEN: Bounds = {
  boots: 3,
  uids: 1,
  tools: [],
  toolLocks: [json({ release: "uncordon" }), json({ ttl: "30m" })],
  outages: false,
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
  releaseOn: { kind: "reboot" },
  ttlMillis: undefined,
  perNode: true,
};
const KNOWN: Bounds = {
  ...WRITTEN,
  toolLocks: [],
  tools: [KURED, { ...KURED, name: "rival", username: "rival", perNode: false }],
  expires: false,
  cleans: true,
  carriesOut: true,
};

const open = { kind: "allow", why: "by-holder" } as const;
const { decide, latch, judgeGate, decideRelease } = REAL_RULES;

test.each<[string, Bounds, Partial<Rules>, string]>([
  [
    "a gate that forgets pods",
    WRITTEN,
    { judgeGate: (facts) => judgeGate({ ...facts, pods: [] }) },
    "a node with pods was rebooted",
  ],
  [
    "a gate that forgets the cordon",
    WRITTEN,
    { judgeGate: (facts) => judgeGate({ ...facts, node: { ...facts.node, unschedulable: true } }) },
    "was rebooted",
  ],
  [
    "a gate that forgets the boot",
    WRITTEN,
    {
      judgeGate: (facts) => {
        const bootID = /boot-\d/.exec([...facts.node.annotations.values()].join())?.[0] ?? "";
        return judgeGate({ ...facts, bootID, node: { ...facts.node, bootID } });
      },
    },
    "a second time under one lock",
  ],
  [
    "a gate that forgets the expiry",
    WRITTEN,
    { judgeGate: (facts) => judgeGate({ ...facts, nowMillis: 0 }) },
    "an unlocked node was rebooted",
  ],
  [
    "a guard that lets everything pass",
    WRITTEN,
    { decide: () => open },
    "ended, changed or uncordoned a lock of kured",
  ],
  [
    "a guard that takes every pod of the tool for the holder",
    WRITTEN,
    {
      decide: (change, asker, now, settings) =>
        decide(change, asker.username === "kured" ? { ...asker, node: "n" } : asker, now, settings),
    },
    "tool of the other node ended, changed or uncordoned",
  ],
  [
    "a guard that lets the agent go before the reboot",
    WRITTEN,
    {
      decide: (change, asker, now, settings) =>
        asker.username.endsWith("nodelatch-agent") ? open : decide(change, asker, now, settings),
    },
    "the agent ended a lock",
  ],
  [
    "a guard that lets the agent uncordon and leave the lock",
    KNOWN,
    {
      decide: (change, asker, now, settings) => {
        const decision = decide(change, asker, now, settings);
        return decision.kind === "refuse" && decision.why === "agent-only-releases" ? open : decision;
      },
    },
    "the agent changed a lock, or uncordoned under it",
  ],
  [
    "a guard that lets the agent uncordon what was cordoned before",
    { ...WRITTEN, toolLocks: [json({ release: "reboot" })] },
    {
      decide: (change, asker, now, settings) => {
        const decision = decide(change, asker, now, settings);
        const isLater = decision.kind === "refuse" && decision.why === "agent-only-releases";
        return isLater && change.kind === "removed-and-uncordoned" ? open : decision;
      },
    },
    "the agent undid a cordon that was there before the lock",
  ],
  [
    "a latch that leaves the lock when its holder uncordons",
    WRITTEN,
    {
      latch: (request, asker, now, settings) =>
        request.change.kind === "uncordon" ? { kind: "leave" } : latch(request, asker, now, settings),
    },
    "a lock stayed on a schedulable node",
  ],
  [
    "a latch that does not know the tool",
    KNOWN,
    {
      latch: (request, asker, now, settings) => latch(request, asker, now, { ...settings, tools: new Map() }),
    },
    "kured cordoned a node without a lock",
  ],
  [
    "a guard that does not know the tool",
    KNOWN,
    {
      decide: (change, asker, now, settings) => decide(change, asker, now, { ...settings, tools: new Map() }),
    },
    "cordoned a node that somebody else has locked",
  ],
  [
    "a guard that refuses a tool's uncordon as anybody's",
    KNOWN,
    {
      decide: (change, asker, now, settings) =>
        change.kind === "removed-and-uncordoned" && asker.username === "kured"
          ? { kind: "refuse", why: "not-holder" }
          : decide(change, asker, now, settings),
    },
    "kured is refused its own uncordon",
  ],
  [
    "a guard that refuses the agent's release",
    KNOWN,
    {
      decide: (change, asker, now, settings) =>
        asker.username.endsWith("nodelatch-agent") && change.kind !== "none"
          ? { kind: "refuse", why: "not-rebooted" }
          : decide(change, asker, now, settings),
    },
    "the agent is refused the release",
  ],
  [
    "an agent that does not wait for the passes",
    KNOWN,
    { decideRelease: (facts) => decideRelease({ ...facts, unclean: undefined }) },
    "before the node was clean",
  ],
  [
    "an agent that believes the report before it came",
    KNOWN,
    {
      decideRelease: (facts) => {
        const bootID = facts.bootID.kind === "known" ? facts.bootID.bootID : "";
        return decideRelease({ ...facts, node: { ...facts.node, view: { ...facts.node.view, bootID } } });
      },
    },
    "the agent is refused the release",
  ],
  [
    "an agent that forgets when its boot began",
    KNOWN,
    { decideRelease: (facts) => decideRelease({ ...facts, bootBeganMillis: Number.POSITIVE_INFINITY }) },
    "the agent released before the reboot",
  ],
  [
    "an agent that uncordons whatever was before",
    KNOWN,
    {
      decideRelease: (facts) => {
        const verdict = decideRelease(facts);
        return verdict.kind === "release" ? { ...verdict, uncordon: !verdict.uncordon } : verdict;
      },
    },
    "the agent did not leave the cordon as it was before",
  ],
  [
    "a guard that lets anybody write down a refused uncordon",
    KNOWN,
    {
      decide: (change, asker, now, settings) =>
        change.kind === "request-written" ? open : decide(change, asker, now, settings),
    },
    "adversary made up a refused uncordon on a locked node",
  ],
  [
    "a guard that lets the webhook write down nothing",
    KNOWN,
    {
      decide: (change, asker, now, settings) =>
        decide(change, asker, now, { ...settings, webhookUsername: "somebody" }),
    },
    "the webhook may not keep what was refused",
  ],
  [
    "a latch that leaves a made-up uncordon when a lock comes",
    KNOWN,
    {
      latch: (request, asker, now, settings) => {
        const decided = latch(request, asker, now, settings);
        if (decided.kind !== "set" || decided.why !== "locked") return decided;
        const annotations = new Map(decided.annotations);
        annotations.delete("nodelatch.io/uncordon-requested");
        return { ...decided, annotations };
      },
    },
    "a lock came, and a made-up uncordon stayed",
  ],
])("%s is found", (_what, bounds, rules, words) => {
  const { violation } = explore(1, bounds, { ...REAL_RULES, ...rules });
  expect(violation).toContain(words);
});

import { describe, expect, test } from "vitest";
import type { LockedChange } from "./change.ts";
import { decide, type GuardSettings } from "./decide.ts";
import {
  asker,
  guardSettings,
  locked,
  lockedChange,
  lockRecord,
  NOW,
  nodeView,
  rewritten,
} from "./fixture.ts";
import { LOCK_ANNOTATION } from "./node.ts";
import { RELEASES, writeRecord, type Asker, type LockRecord, type Release } from "./record.ts";
import { UNCORDON_REQUESTED_ANNOTATION } from "./requested-uncordon.ts";

const AGENT = "system:serviceaccount:nodelatch-system:nodelatch-agent";
const settings = guardSettings({ exemptDeleters: new Set(["autoscaler"]), agentUsername: AGENT });

const held = lockRecord({ holder: "kured", holderNode: "n1" });
const who: Record<string, Asker> = {
  holder: asker("kured", "n1"),
  elsewhere: asker("kured", "n2"),
  agent: asker(AGENT, "n1"),
  otherAgent: asker(AGENT, "n2"),
  exempt: asker("autoscaler"),
  stranger: asker("bob"),
};

/** Every shape of change to a locked node; the changed value is what the latch would have stored for this asker. */
function changeNamed(name: string, lock: LockRecord, by: Asker, bootID: string): LockedChange {
  const old = locked(lock, { bootID });
  const mine = by.username === lock.holder && by.node === lock.holderNode;
  const next = mine
    ? { ...lock, reason: "other" }
    : lockRecord({
        holder: by.username,
        ...(by.node === undefined ? {} : { holderNode: by.node }),
        bootID,
        wasUnschedulable: true,
      });
  const removed = { annotations: { [LOCK_ANNOTATION]: null } };
  const changed = { annotations: { [LOCK_ANNOTATION]: writeRecord(next) } };
  const uncordoned = { unschedulable: false };
  switch (name) {
    case "uncordon":
      return lockedChange(old, rewritten(old, uncordoned));
    case "remove":
      return lockedChange(old, rewritten(old, removed));
    case "remove+uncordon":
      return lockedChange(old, rewritten(old, { ...removed, ...uncordoned }));
    case "change":
      return lockedChange(old, rewritten(old, changed));
    case "change+uncordon":
      return lockedChange(old, rewritten(old, { ...changed, ...uncordoned }));
    default:
      return lockedChange(old, null);
  }
}

function releaseNamed(name: string): Release {
  const found = RELEASES.find((known) => known === name);
  if (found === undefined) throw new Error(`no release ${name}`);
  return found;
}

// The whole table. "-" refuses as not-holder; agent columns: boot ID unchanged, boot ID new.
const TABLE = `
release  | change          | holder     | elsewhere            | agent same           | agent new            | other agent | exempt         | stranger
explicit | uncordon        | lock-would-stay | holder-on-other-node | release-not-by-agent | release-not-by-agent | - | -              | -
explicit | remove          | by-holder  | holder-on-other-node | release-not-by-agent | release-not-by-agent | - | -              | -
explicit | remove+uncordon | by-holder  | holder-on-other-node | release-not-by-agent | release-not-by-agent | - | -              | -
explicit | change          | by-holder  | holder-on-other-node | release-not-by-agent | release-not-by-agent | - | -              | -
explicit | change+uncordon | lock-would-stay | holder-on-other-node | release-not-by-agent | release-not-by-agent | - | -              | -
explicit | delete          | by-holder  | holder-on-other-node | -                    | -                    | - | exempt-deleter | -
uncordon | uncordon        | by-holder  | holder-on-other-node | release-not-by-agent | release-not-by-agent | - | -              | -
uncordon | remove          | by-holder  | holder-on-other-node | release-not-by-agent | release-not-by-agent | - | -              | -
uncordon | remove+uncordon | by-holder  | holder-on-other-node | release-not-by-agent | release-not-by-agent | - | -              | -
uncordon | change          | by-holder  | holder-on-other-node | release-not-by-agent | release-not-by-agent | - | -              | -
uncordon | change+uncordon | lock-would-stay | holder-on-other-node | release-not-by-agent | release-not-by-agent | - | -              | -
uncordon | delete          | by-holder  | holder-on-other-node | -                    | -                    | - | exempt-deleter | -
reboot   | uncordon        | lock-would-stay | holder-on-other-node | not-rebooted         | agent-only-releases  | - | -              | -
reboot   | remove          | by-holder  | holder-on-other-node | not-rebooted         | by-agent             | - | -              | -
reboot   | remove+uncordon | by-holder  | holder-on-other-node | not-rebooted         | by-agent             | - | -              | -
reboot   | change          | by-holder  | holder-on-other-node | not-rebooted         | agent-only-releases  | - | -              | -
reboot   | change+uncordon | lock-would-stay | holder-on-other-node | not-rebooted         | agent-only-releases  | - | -              | -
reboot   | delete          | by-holder  | holder-on-other-node | -                    | -                    | - | exempt-deleter | -
`;
const COLUMNS = [
  ["the holder", "holder", "boot-1"],
  ["the holder's user on another node", "elsewhere", "boot-1"],
  ["the node's agent before the reboot", "agent", "boot-1"],
  ["the node's agent after the reboot", "agent", "boot-2"],
  ["another node's agent", "otherAgent", "boot-2"],
  ["an exempt deleter", "exempt", "boot-1"],
  ["a stranger", "stranger", "boot-1"],
] as const;
const ALLOWS = ["by-holder", "by-agent", "exempt-deleter"];

const cells = TABLE.trim()
  .split("\n")
  .slice(1)
  .flatMap((line) => {
    const [release = "", change = "", ...verdicts] = line.split("|").map((cell) => cell.trim());
    return COLUMNS.map(([person, key, bootID], index) => {
      const verdict = verdicts[index] === "-" ? "not-holder" : (verdicts[index] ?? "missing cell");
      return { release: releaseNamed(release), change, person, key, bootID, verdict };
    });
  });

test("the table has a cell for every release, change and asker", () => {
  expect(cells).toHaveLength(3 * 6 * COLUMNS.length);
});

describe("the table", () => {
  test.each(cells)("$change of a lock with release $release by $person: $verdict", (cell) => {
    const by = who[cell.key] ?? asker("nobody");
    const change = changeNamed(cell.change, { ...held, release: cell.release }, by, cell.bootID);
    const kind = ALLOWS.includes(cell.verdict) ? "allow" : "refuse";
    expect(decide(change, by, NOW, settings)).toMatchObject({ kind, why: cell.verdict });
  });

  // An expired lock, and the modes, turn every refusal of the table into an allowance; nothing else changes.
  test.each(cells)("$change ($release) by $person, with the lock expired", (cell) => {
    const by = who[cell.key] ?? asker("nobody");
    const lock = { ...held, release: cell.release, expiresAt: "2026-11-21T09:29:00Z" };
    const change = changeNamed(cell.change, lock, by, cell.bootID);
    const allowed = ALLOWS.includes(cell.verdict);
    expect(decide(change, by, NOW, settings)).toMatchObject({
      kind: "allow",
      why: allowed ? cell.verdict : "expired",
    });
    const denying = decide(change, by, NOW, { ...settings, onExpired: "deny" });
    expect(denying).toMatchObject({ kind: allowed ? "allow" : "refuse", why: cell.verdict });
  });

  test.each(cells)("$change ($release) by $person, in modes warn and off", (cell) => {
    const by = who[cell.key] ?? asker("nobody");
    const change = changeNamed(cell.change, { ...held, release: cell.release }, by, cell.bootID);
    const warned = decide(change, by, NOW, { ...settings, mode: "warn" });
    const allowed = ALLOWS.includes(cell.verdict);
    expect(warned).toMatchObject(
      allowed
        ? { kind: "allow", why: cell.verdict }
        : { kind: "allow", why: "mode-warn", insteadOf: cell.verdict },
    );
    expect(decide(change, by, NOW, { ...settings, mode: "off" })).toEqual({ kind: "allow", why: "mode-off" });
  });
});

describe("a node's own identity, where it is accepted,", () => {
  const accepting = { ...settings, acceptNodeIdentity: true };
  const ended = (bootID: string, release: Release = "reboot") => {
    const old = locked({ ...held, release }, { bootID });
    return lockedChange(
      old,
      rewritten(old, { annotations: { [LOCK_ANNOTATION]: null }, unschedulable: false }),
    );
  };
  test.each<[string, LockedChange, string, GuardSettings, string]>([
    ["after the reboot: as its agent", ended("boot-2"), "system:node:n1", accepting, "by-agent"],
    ["before the reboot", ended("boot-1"), "system:node:n1", accepting, "not-rebooted"],
    [
      "of a lock that ends otherwise",
      ended("boot-2", "uncordon"),
      "system:node:n1",
      accepting,
      "release-not-by-agent",
    ],
    ["of another node", ended("boot-2"), "system:node:n2", accepting, "not-holder"],
    ["whose name only begins so", ended("boot-2"), "system:node:n11", accepting, "not-holder"],
    ["where it is not accepted", ended("boot-2"), "system:node:n1", settings, "not-holder"],
  ])("%s", (_what, change, username, by, why) => {
    expect(decide(change, asker(username), NOW, by).why).toBe(why);
  });
});

describe("locks of unknown holder", () => {
  test.each(["", "maintenance", '{"holder":"kured"}', "{"])("%j yields to nobody", (value) => {
    const old = locked(value);
    for (const by of Object.values(who)) {
      for (const node of [
        rewritten(old, { unschedulable: false }),
        rewritten(old, { annotations: { [LOCK_ANNOTATION]: null } }),
      ]) {
        expect(decide(lockedChange(old, node), by, NOW, settings)).toEqual({
          kind: "refuse",
          why: "unknown-holder",
        });
      }
    }
  });

  test("may still be deleted by an exempt deleter", () => {
    const change = lockedChange(locked("x"), null);
    expect(decide(change, asker("autoscaler"), NOW, settings)).toMatchObject({
      kind: "allow",
      why: "exempt-deleter",
    });
    expect(decide(change, asker("bob"), NOW, settings)).toMatchObject({
      kind: "refuse",
      why: "unknown-holder",
    });
  });
});

describe("the agent proves a reboot only with two known, different boot IDs", () => {
  test.each([
    ["none at acquisition", "", "boot-2"],
    ["none now", "boot-1", ""],
    ["none at all", "", ""],
  ])("%s", (_name, then, now) => {
    const old = locked({ ...held, release: "reboot", bootID: then }, { bootID: now });
    const change = lockedChange(old, rewritten(old, { unschedulable: false }));
    expect(decide(change, asker(AGENT, "n1"), NOW, settings)).toMatchObject({
      kind: "refuse",
      why: "not-rebooted",
    });
  });

  test("a boot ID that the same request brings does not count", () => {
    const old = locked({ ...held, release: "reboot" });
    const node = { ...rewritten(old, { annotations: { [LOCK_ANNOTATION]: null } }), bootID: "boot-2" };
    const decided = decide(lockedChange(old, node, "status"), asker(AGENT, "n1"), NOW, settings);
    expect(decided).toMatchObject({ kind: "refuse", why: "not-rebooted" });
  });

  test("an agent without a node name is nobody's agent", () => {
    const old = locked({ ...held, release: "reboot" }, { bootID: "boot-2" });
    const change = lockedChange(old, rewritten(old, { unschedulable: false }));
    expect(decide(change, asker(AGENT), NOW, settings)).toMatchObject({ kind: "refuse", why: "not-holder" });
  });
});

describe("the agent leaves the cordon that the lock has found", () => {
  const both = { annotations: { [LOCK_ANNOTATION]: null }, unschedulable: false };
  const release = (part: Partial<LockRecord>, annotations: Record<string, string> = {}): LockedChange => {
    const old = locked({ ...held, release: "reboot", ...part }, { bootID: "boot-2", annotations });
    return lockedChange(old, rewritten(old, both));
  };
  const judged = (change: LockedChange) => decide(change, asker(AGENT, "n1"), NOW, settings);

  test("uncordons with the lock where it was schedulable", () => {
    expect(judged(release({ wasUnschedulable: false }))).toEqual({ kind: "allow", why: "by-agent" });
  });
  test("not where it was not", () => {
    expect(judged(release({ wasUnschedulable: true }))).toEqual({
      kind: "refuse",
      why: "agent-only-releases",
    });
  });
  test("unless the latch carries out a refused uncordon with it", () => {
    const kept = { [UNCORDON_REQUESTED_ANNOTATION]: "{}" };
    expect(judged(release({ wasUnschedulable: true }, kept))).toEqual({ kind: "allow", why: "by-agent" });
  });
});

test("what does not touch a lock is allowed in every mode", () => {
  for (const mode of ["enforce", "warn", "off"] as const) {
    const none = { kind: "none", why: "untouched" } as const;
    const acquire = { kind: "acquire", before: null, after: nodeView() } as const;
    expect(decide(none, asker("bob"), NOW, { ...settings, mode })).toEqual({
      kind: "allow",
      why: "not-relevant",
    });
    expect(decide(acquire, asker("bob"), NOW, { ...settings, mode })).toEqual({
      kind: "allow",
      why: "acquire",
    });
  }
});

test("the holder's uncordon says when the lock stayed behind", () => {
  const old = locked({ ...held, release: "uncordon" });
  const change = lockedChange(old, rewritten(old, { unschedulable: false }));
  expect(decide(change, asker("kured", "n1"), NOW, settings)).toEqual({
    kind: "allow",
    why: "by-holder",
    insteadOf: "lock-would-stay",
  });
});

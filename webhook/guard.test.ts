import { describe, expect, test } from "vitest";
import type { GuardSettings, OverrideAnswer } from "../lock/decide.ts";
import { guardSettings, locked, lockRecord, nodeView, NOW, rewritten } from "../lock/fixture.ts";
import { LOCK_ANNOTATION, OVERRIDE_ANNOTATION } from "../lock/node.ts";
import { UNCORDON_REQUESTED_ANNOTATION } from "../lock/requested-uncordon.ts";
import { askerOf } from "./asker.ts";
import { caller, updateOf } from "./fixture.ts";
import { createGuard, type RefusedUncordon } from "./guard.ts";
import { NO_TOOLS, toolsByUser } from "../lock/tool.ts";
import type { RefusedRequest } from "./requested-uncordons.ts";
import { KURED } from "./tools-setting.ts";

const never = new AbortController().signal;
const old = locked(lockRecord());
const uncordoned = rewritten(old, { unschedulable: false });

function guardWith(answer: OverrideAnswer, part: Partial<GuardSettings> = {}) {
  const asked: string[] = [];
  const events: RefusedUncordon[] = [];
  const overrides: string[] = [];
  const requests: RefusedRequest[] = [];
  const guard = createGuard({
    settings: guardSettings(part),
    nowMillis: () => NOW,
    mayOverride: (who, node) => {
      asked.push(`${who.username} ${node}`);
      return Promise.resolve(answer);
    },
    onRefusedUncordon: (refused) => events.push(refused),
    onRequestedUncordon: (request) => requests.push(request),
    onOverride: (kind) => overrides.push(kind),
  });
  return { guard, asked, events, overrides, requests };
}

const no: OverrideAnswer = { kind: "denied", reason: "" };

describe("the guard", () => {
  test("refuses a stranger's uncordon with 403, who, why and what to do, and notes it for an Event", async () => {
    const { guard, asked, events } = guardWith(no);
    const verdict = await guard(updateOf(old, uncordoned, caller("bob")), never);
    expect(verdict).toMatchObject({
      kind: "refuse",
      decision: "not-holder",
      code: 403,
      reason: "Forbidden",
      audit: { change: "uncordon", decision: "not-holder", "lock-holder": "alice" },
    });
    const message = verdict.kind === "refuse" ? verdict.message : "";
    expect(message).toContain("node n1 is locked for reboot by alice (kernel update) since 09:14Z");
    expect(events).toEqual([{ nodeName: "n1", nodeUID: "uid-n1", username: "bob", message }]);
    expect(asked).toEqual([]);
  });

  test("notes a refused uncordon to be kept: who, under which lock, and whose the node carries", async () => {
    const { guard, requests } = guardWith(no);
    const annotations = { [UNCORDON_REQUESTED_ANNOTATION]: '{"at":"x","by":"dave","groups":[]}' };
    const carrying = rewritten(old, { annotations });
    await guard(updateOf(carrying, uncordoned, caller("bob")), never);
    await guard(updateOf(old, uncordoned, caller("alice")), never);
    const lock = old.annotations.get(LOCK_ANNOTATION);
    const common = { nodeName: "n1", nodeUID: "uid-n1", groups: ["system:authenticated"], lock };
    expect(requests).toEqual([
      { ...common, username: "bob", requestedBy: "dave" },
      { ...common, username: "alice", requestedBy: undefined },
    ]);
  });

  test("keeps that of the holder's pod elsewhere, and one under a lock of nobody", async () => {
    const { guard, requests } = guardWith(no);
    const elsewhere = locked(lockRecord({ holder: "kured", holderNode: "n1" }));
    const nobodys = locked("by hand");
    for (const [node, who] of [
      [elsewhere, caller("kured", "n2")],
      [nobodys, caller("bob")],
    ] as const) {
      await guard(updateOf(node, rewritten(node, { unschedulable: false }), who), never);
    }
    expect(requests.map(({ username }) => username)).toEqual(["kured", "bob"]);
  });

  test("keeps none of a dry run, a strip alone, the agent, or a refused override", async () => {
    const { guard, requests, events } = guardWith(no);
    const stripped = rewritten(old, { annotations: { [LOCK_ANNOTATION]: null } });
    const broken = rewritten(stripped, { annotations: { [OVERRIDE_ANNOTATION]: "x" }, unschedulable: false });
    const rebooting = locked(lockRecord({ release: "reboot" }));
    await guard(updateOf(old, uncordoned, caller("bob"), { dryRun: true }), never);
    await guard(updateOf(old, stripped, caller("bob")), never);
    await guard(updateOf(old, broken, caller("bob")), never);
    for (const node of [rebooting, { ...rebooting, bootID: "boot-2" }]) {
      await guard(updateOf(node, rewritten(node, { unschedulable: false }), caller("agent", "n1")), never);
    }
    expect(events).toHaveLength(3);
    expect(requests).toEqual([]);
  });

  test("leaves no Event on dry-run, nor for a refusal that is no uncordon", async () => {
    const { guard, events } = guardWith(no);
    const stripped = rewritten(old, { annotations: { [LOCK_ANNOTATION]: null } });
    expect(await guard(updateOf(old, uncordoned, caller("bob"), { dryRun: true }), never)).toMatchObject({
      kind: "refuse",
    });
    expect(await guard(updateOf(old, stripped, caller("bob")), never)).toMatchObject({ kind: "refuse" });
    expect(events).toEqual([]);
  });

  test.each(["lock removed", "lock changed"])("notes an uncordon with the %s too", async (how) => {
    const { guard, events } = guardWith(no);
    const annotations = { [LOCK_ANNOTATION]: how === "lock removed" ? null : "x" };
    await guard(updateOf(old, rewritten(uncordoned, { annotations }), caller("bob")), never);
    expect(events).toHaveLength(1);
  });

  test("lets a request that touches no lock pass without a word", async () => {
    const { guard } = guardWith(no);
    const verdict = await guard(
      updateOf(nodeView(), nodeView({ unschedulable: false }), caller("bob")),
      never,
    );
    expect(verdict).toEqual({ kind: "allow", decision: "not-relevant", warnings: [], audit: {}, patch: [] });
  });

  test("warns when an expired lock let the request through", async () => {
    const { guard } = guardWith(no);
    const expired = locked(lockRecord({ expiresAt: "2026-11-21T09:00:00Z" }));
    const verdict = await guard(
      updateOf(expired, rewritten(expired, { unschedulable: false }), caller("bob")),
      never,
    );
    expect(verdict).toMatchObject({
      kind: "allow",
      decision: "expired",
      audit: { "instead-of": "not-holder" },
    });
    expect(verdict.warnings).toHaveLength(1);
  });
});

describe("break-glass", () => {
  const broken = rewritten(uncordoned, {
    annotations: { [LOCK_ANNOTATION]: null, [OVERRIDE_ANNOTATION]: "fire" },
  });

  test("asks RBAC about the caller and the node, then allows with a warning and an audit annotation", async () => {
    const { guard, asked, overrides, events } = guardWith({ kind: "allowed", reason: "" });
    const verdict = await guard(updateOf(old, broken, caller("bob")), never);
    expect(verdict).toMatchObject({
      kind: "allow",
      decision: "overridden",
      audit: { "override-reason": "fire" },
    });
    expect(verdict.warnings).toHaveLength(1);
    expect({ asked, overrides, events }).toEqual({ asked: ["bob n1"], overrides: ["allowed"], events: [] });
  });

  test.each<[OverrideAnswer, string]>([
    [{ kind: "denied", reason: "no" }, "override-denied"],
    [{ kind: "unknown", reason: "timeout" }, "override-unanswered"],
  ])("refuses on %j", async (answer, decision) => {
    const { guard, overrides, events } = guardWith(answer);
    expect(await guard(updateOf(old, broken, caller("bob")), never)).toMatchObject({
      kind: "refuse",
      decision,
    });
    expect(overrides).toEqual([answer.kind]);
    expect(events).toHaveLength(1);
  });

  test("is not asked for what needs none: the holder, mode warn", async () => {
    const holder = guardWith(no);
    expect(await holder.guard(updateOf(old, broken, caller("alice")), never)).toMatchObject({
      decision: "by-holder",
    });
    const warn = guardWith(no, { mode: "warn" });
    expect(await warn.guard(updateOf(old, broken, caller("bob")), never)).toMatchObject({
      decision: "mode-warn",
    });
    expect([...holder.asked, ...warn.asked]).toEqual([]);
  });

  test("on dry-run RBAC is asked but nothing is counted", async () => {
    const { guard, asked, overrides } = guardWith({ kind: "allowed", reason: "" });
    await guard(updateOf(old, broken, caller("bob"), { dryRun: true }), never);
    expect({ asked, overrides }).toEqual({ asked: ["bob n1"], overrides: [] });
  });
});

test("a controller's asker has no node, whatever its token says", () => {
  const rover = { ...KURED, name: "rover", username: "rover", perNode: false };
  const tools = toolsByUser([KURED, rover]);
  expect(askerOf(caller("rover", "n1"), tools)).toEqual({ username: "rover", node: undefined });
  expect(askerOf(caller(KURED.username, "n1"), tools)).toEqual({ username: KURED.username, node: "n1" });
});

test("a tool's cordon of a node that somebody else has locked is refused, without an Event", async () => {
  const { guard, events } = guardWith(no, { tools: toolsByUser([KURED]) });
  const open = locked(lockRecord(), { unschedulable: false });
  const cordoned = rewritten(open, { unschedulable: true });
  expect(await guard(updateOf(open, cordoned, caller(KURED.username, "n1")), never)).toMatchObject({
    kind: "refuse",
    decision: "not-holder",
    audit: { change: "cordon" },
  });
  expect(await guard(updateOf(open, cordoned, caller("bob")), never)).toMatchObject({
    kind: "allow",
    decision: "not-relevant",
  });
  expect(events).toEqual([]);
});

test("the asker's node counts only where exactly one is named", () => {
  const named = (extra: Record<string, string[]>) => askerOf({ ...caller("kured"), extra }, NO_TOOLS);
  expect(askerOf(caller("kured", "n1"), NO_TOOLS)).toEqual({ username: "kured", node: "n1" });
  expect(named({}).node).toBeUndefined();
  expect(named({ "authentication.kubernetes.io/node-name": [] }).node).toBeUndefined();
  expect(named({ "authentication.kubernetes.io/node-name": ["n1", "n2"] }).node).toBeUndefined();
});

import { describe, expect, test } from "vitest";
import type { RefuseReason } from "./decide.ts";
import { asker, locked, lockedChange, lockRecord, NOW, rewritten } from "./fixture.ts";
import { allowWarning, LONGEST_WARNING, refusalMessage } from "./message.ts";

const old = locked(lockRecord());
const uncordon = lockedChange(old, rewritten(old, { unschedulable: false }));
const head = "node n1 is locked for reboot by alice (kernel update) since 09:14Z; ";

describe("a refusal says who, why, since when, until when and what to do", () => {
  test("in one sentence", () => {
    expect(refusalMessage(uncordon, { why: "not-holder" }, asker("bob"), NOW)).toBe(
      `${head}to break it: kubectl annotate node n1 nodelatch.io/override="<reason>"`,
    );
  });

  test.each<[RefuseReason, string]>([
    ["unknown-holder", "to break it: kubectl annotate"],
    ["holder-on-other-node", "this request comes from node n2; to break it"],
    [
      "lock-would-stay",
      "as the holder, remove the lock first: kubectl annotate node n1 nodelatch.io/reboot-lock-",
    ],
    ["not-rebooted", "the reboot is not proven"],
    ["release-not-by-agent", 'the agent releases only locks with release "reboot"'],
    ["agent-only-releases", "the agent may only remove the lock, and the cordon that came with it"],
    ["not-stamped", "send the request again"],
    ["override-without-reason", "an override needs a reason"],
    [
      "override-denied",
      'bob may not break it: verb override on rebootlocks.nodelatch.io "n1" is not granted (why)',
    ],
    ["override-unanswered", "the API server did not answer (why); try again"],
    ["override-needs-latch", "nodelatch.io/reboot-lock- nodelatch.io/override="],
  ])("%s", (why, expected) => {
    const message = refusalMessage(uncordon, { why, detail: "why" }, asker("bob", "n2"), NOW);
    expect(message.startsWith(head)).toBe(true);
    expect(message).toContain(expected);
  });

  test("with the expiry, and the date where it is not today's", () => {
    const late = locked(
      lockRecord({ acquiredAt: "2026-11-20T22:00:00Z", expiresAt: "2026-11-21T11:05:59Z" }),
    );
    const change = lockedChange(late, rewritten(late, { unschedulable: false }));
    expect(refusalMessage(change, { why: "not-holder" }, asker("bob"), NOW)).toContain(
      "since 2026-11-20 22:00Z until 11:05Z; ",
    );
  });

  test("with the holder's node where there is one", () => {
    const pod = locked(lockRecord({ holder: "kured", holderNode: "n1", reason: "" }));
    const change = lockedChange(pod, null);
    expect(refusalMessage(change, { why: "not-holder" }, asker("bob"), NOW)).toBe(
      "node n1 is locked for reboot by kured on node n1 (no reason given) since 09:14Z; before deleting the node, " +
        'break the lock: kubectl annotate node n1 nodelatch.io/override="<reason>"',
    );
  });

  test.each([
    ["", "has an empty value"],
    ["maintenance\nwindow", 'has the value "maintenance window"'],
    ["y".repeat(200_000), "..."],
  ])("a lock of unknown holder, %#", (value, expected) => {
    const node = locked(value);
    const change = lockedChange(node, rewritten(node, { unschedulable: false }));
    const message = refusalMessage(change, { why: "unknown-holder" }, asker("bob"), NOW);
    expect(message).toContain("is locked for reboot by an unknown holder");
    expect(message).toContain(expected);
    expect(message.length).toBeLessThan(500);
  });

  test("nothing from the annotation can break the line", () => {
    const evil = locked(lockRecord({ reason: "a\u001b[2Jb\r\nc", holder: "eve\u0007" }));
    const change = lockedChange(evil, rewritten(evil, { unschedulable: false }));
    expect(refusalMessage(change, { why: "not-holder" }, asker("bob"), NOW)).not.toMatch(/\p{Cc}/u);
  });
});

describe("warnings", () => {
  test.each([
    ["expired", { why: "expired" } as const, "the reboot lock on n1 had expired; it was held by alice"],
    ["overridden", { why: "overridden" } as const, "the reboot lock on n1 was broken"],
    [
      "mode warn",
      { why: "mode-warn", insteadOf: "not-holder" } as const,
      "refused in mode enforce (not-holder)",
    ],
    [
      "a lock left behind",
      { why: "by-holder", insteadOf: "lock-would-stay" } as const,
      "the lock is still there",
    ],
  ])("%s", (_name, allowed, expected) => {
    expect(allowWarning(uncordon, allowed)).toContain(expected);
  });

  test("an ordinary allowance says nothing", () => {
    for (const why of [
      "not-relevant",
      "acquire",
      "by-holder",
      "by-agent",
      "exempt-deleter",
      "mode-off",
    ] as const) {
      expect(allowWarning(uncordon, { why })).toBeUndefined();
    }
  });

  test("never exceed what clients show", () => {
    const long = locked(lockRecord({ holder: "h".repeat(500) }));
    const change = lockedChange(long, rewritten(long, { unschedulable: false }));
    expect(allowWarning(change, { why: "expired" })?.length).toBeLessThanOrEqual(LONGEST_WARNING);
  });
});

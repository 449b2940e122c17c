/** decide(): who claims an override, and what becomes of the claim. */
import { describe, expect, test } from "vitest";
import { afterOverride, decide } from "./decide.ts";
import { asker, guardSettings, locked, lockedChange, lockRecord, NOW, rewritten } from "./fixture.ts";
import { LAST_OVERRIDE_ANNOTATION, LOCK_ANNOTATION, OVERRIDE_ANNOTATION } from "./node.ts";

const settings = guardSettings();
const held = lockRecord({ holder: "kured", holderNode: "n1" });

describe("break-glass", () => {
  const old = locked(held);
  const claim = (reason: string, by = "bob") =>
    JSON.stringify({ at: "2026-11-21T09:30:00Z", by, holder: "kured", reason });
  const request = (annotations: Record<string, string | null>, before = old) =>
    lockedChange(before, rewritten(before, { annotations, unschedulable: false }));
  const gone = { [LOCK_ANNOTATION]: null };

  test("a fresh record of the latch by this caller is a claim that RBAC must confirm", () => {
    const decided = decide(
      request({ ...gone, [LAST_OVERRIDE_ANNOTATION]: claim("fire") }),
      asker("bob"),
      NOW,
      settings,
    );
    expect(decided).toEqual({ kind: "ask-override", why: "not-holder", reason: "fire" });
  });
  test("so is the annotation itself, where the request removes the lock and no latch ran", () => {
    const decided = decide(request({ ...gone, [OVERRIDE_ANNOTATION]: "fire" }), asker("bob"), NOW, settings);
    expect(decided).toEqual({ kind: "ask-override", why: "not-holder", reason: "fire" });
  });
  test("with the lock still there it is refused: the latch did not run", () => {
    const decided = decide(request({ [OVERRIDE_ANNOTATION]: "fire" }), asker("bob"), NOW, settings);
    expect(decided).toEqual({ kind: "refuse", why: "override-needs-latch" });
  });
  test("an empty reason is refused", () => {
    const decided = decide(request({ ...gone, [OVERRIDE_ANNOTATION]: " \n" }), asker("bob"), NOW, settings);
    expect(decided).toEqual({ kind: "refuse", why: "override-without-reason" });
  });
  test.each([
    ["an override that was there before", { [OVERRIDE_ANNOTATION]: "fire" }],
    ["a record that was there before", { [LAST_OVERRIDE_ANNOTATION]: claim("fire") }],
  ])("%s is no claim", (_name, there) => {
    const before = locked(held, { annotations: there });
    expect(decide(request({ ...gone }, before), asker("bob"), NOW, settings)).toEqual({
      kind: "refuse",
      why: "not-holder",
    });
  });
  test.each([
    ["by somebody else", claim("fire", "eve")],
    ["that is no record", "fire"],
    ["that is null", "null"],
    ["without a reason field", '{"by":"bob"}'],
    ["of wrong types", '{"by":"bob","reason":5}'],
  ])("a record %s is no claim", (_name, value) => {
    const decided = decide(
      request({ ...gone, [LAST_OVERRIDE_ANNOTATION]: value }),
      asker("bob"),
      NOW,
      settings,
    );
    expect(decided).toEqual({ kind: "refuse", why: "not-holder" });
  });
  test("a delete carries no override", () => {
    expect(decide(lockedChange(old, null), asker("bob"), NOW, settings)).toEqual({
      kind: "refuse",
      why: "not-holder",
    });
  });
  test("RBAC is not asked for what is allowed anyway: holder, expired, warn, off", () => {
    const change = request({ ...gone, [OVERRIDE_ANNOTATION]: "fire" });
    expect(decide(change, asker("kured", "n1"), NOW, settings)).toMatchObject({
      kind: "allow",
      why: "by-holder",
    });
    expect(decide(change, asker("bob"), NOW, { ...settings, mode: "warn" })).toMatchObject({ kind: "allow" });
    expect(decide(change, asker("bob"), NOW, { ...settings, mode: "off" })).toMatchObject({ kind: "allow" });
    const expired = locked({ ...held, expiresAt: "2026-11-21T09:00:00Z" });
    const late = request({ ...gone, [OVERRIDE_ANNOTATION]: "fire" }, expired);
    expect(decide(late, asker("bob"), NOW, settings)).toMatchObject({ kind: "allow", why: "expired" });
  });

  test("RBAC's answer decides", () => {
    const asked = { reason: "fire" };
    expect(afterOverride(asked, { kind: "allowed", reason: "" })).toEqual({
      kind: "allow",
      why: "overridden",
      override: "fire",
    });
    expect(afterOverride(asked, { kind: "denied", reason: "no" })).toEqual({
      kind: "refuse",
      why: "override-denied",
      detail: "no",
    });
    expect(afterOverride(asked, { kind: "unknown", reason: "timeout" })).toEqual({
      kind: "refuse",
      why: "override-unanswered",
      detail: "timeout",
    });
  });
});

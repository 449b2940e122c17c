import { expect, test } from "vitest";
import { locked, lockRecord, nodeView } from "../../lock/fixture.ts";
import { writeRecord } from "../../lock/record.ts";
import { planUnlock } from "./unlock.ts";

const POINTER = "/metadata/annotations/nodelatch.io~1reboot-lock";
const mine = lockRecord();
const own = { reason: undefined, keepCordon: false };

function bodyOf(plan: ReturnType<typeof planUnlock>): unknown {
  if (plan.kind !== "patch") throw new Error("nothing is sent");
  return plan.patch.body;
}

test("exactly the lock that was read is ended, and the cordon that came with it", () => {
  expect(planUnlock(locked(mine), own)).toMatchObject({ kind: "patch", holder: "alice", uncordons: true });
  expect(bodyOf(planUnlock(locked(mine), own))).toEqual([
    { op: "test", path: POINTER, value: writeRecord(mine) },
    { op: "remove", path: POINTER },
    { op: "remove", path: "/spec/unschedulable" },
  ]);
});

test.each<[string, Parameters<typeof planUnlock>[0]]>([
  ["a node that was cordoned before", locked(lockRecord({ wasUnschedulable: true }))],
  ["a node that is not cordoned", locked(mine, { unschedulable: false })],
  ["a lock that names nobody", locked("by hand")],
])("%s keeps its cordon as it is", (_what, node) => {
  expect(planUnlock(node, own)).toMatchObject({ uncordons: false });
  expect(JSON.stringify(bodyOf(planUnlock(node, own)))).not.toContain("/spec/unschedulable");
  expect(JSON.stringify(bodyOf(planUnlock(node, { ...own, reason: "why" })))).not.toContain("spec");
});

test("--keep-cordon keeps it", () => {
  const kept = planUnlock(locked(mine), { ...own, keepCordon: true });
  expect(kept).toMatchObject({ uncordons: false });
  // Also against an uncordon that was refused, even one that comes after the look.
  const requested = "/metadata/annotations/nodelatch.io~1uncordon-requested";
  expect(bodyOf(kept)).toEqual([
    { op: "test", path: POINTER, value: writeRecord(mine) },
    { op: "remove", path: POINTER },
    { op: "add", path: requested, value: "" },
    { op: "remove", path: requested },
  ]);
  expect(bodyOf(planUnlock(locked(mine), { reason: "why", keepCordon: true }))).toEqual({
    metadata: {
      annotations: {
        "nodelatch.io/reboot-lock": null,
        "nodelatch.io/override": "why",
        "nodelatch.io/uncordon-requested": null,
      },
    },
  });
});

test("force removes the lock and overrides in one write, so that it works without the latch too", () => {
  expect(bodyOf(planUnlock(locked(mine), { reason: "why", keepCordon: false }))).toEqual({
    metadata: { annotations: { "nodelatch.io/reboot-lock": null, "nodelatch.io/override": "why" } },
    spec: { unschedulable: null },
  });
});

test("an override that was left with the same words gets other ones", () => {
  const node = locked(mine, { annotations: { "nodelatch.io/override": "why" } });
  expect(JSON.stringify(bodyOf(planUnlock(node, { reason: "why", keepCordon: false })))).toContain(
    '"why (again)"',
  );
});

test("a node without a lock is left alone, force or not", () => {
  expect(planUnlock(nodeView(), own)).toEqual({ kind: "not-locked" });
  expect(planUnlock(nodeView(), { reason: "why", keepCordon: false })).toEqual({ kind: "not-locked" });
});

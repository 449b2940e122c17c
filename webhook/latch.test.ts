import fastJsonPatch from "fast-json-patch";
import { describe, expect, test } from "vitest";
import {
  guardSettings,
  latchSettings,
  locked,
  lockRecord,
  nodeView,
  NOW,
  rewritten,
} from "../lock/fixture.ts";
import { LOCK_ANNOTATION, OVERRIDE_ANNOTATION, type NodeView } from "../lock/node.ts";
import { readStoredLock } from "../lock/record.ts";
import { caller, updateOf } from "./fixture.ts";
import { annotationPatch, createLatch } from "./latch.ts";
import type { Verdict } from "./review.ts";

const never = new AbortController().signal;
const latch = createLatch({
  settings: latchSettings(),
  guard: guardSettings(),
  nowMillis: () => NOW,
  mayUncordon: () => Promise.reject(new Error("not to be asked")),
  onAftermath: () => undefined,
});

/** The node's annotations once the API server has applied the patch, other people's included. */
function applied(
  verdict: Verdict,
  node: NodeView,
  others: Record<string, string>,
): Record<string, string> | undefined {
  if (verdict.kind !== "allow") throw new Error(verdict.message);
  const own = Object.fromEntries(node.annotations);
  const document: { metadata: { annotations?: Record<string, string> } } = {
    metadata: node.hasAnnotations ? { annotations: { ...others, ...own } } : {},
  };
  return fastJsonPatch.applyPatch(document, verdict.patch).newDocument.metadata.annotations;
}

describe("the latch's patch", () => {
  test("writes the stamped record and leaves other annotations alone", async () => {
    const node = locked("kernel update");
    const verdict = await latch(updateOf(nodeView(), node, caller("alice", "n7")), never);
    const result = applied(verdict, node, { "other.io/x": "1" });
    expect(verdict).toMatchObject({ kind: "allow", decision: "stamped" });
    expect(result?.["other.io/x"]).toBe("1");
    expect(readStoredLock(result?.[LOCK_ANNOTATION] ?? "")).toMatchObject({
      record: { holder: "alice", holderNode: "n7" },
    });
    expect(verdict.kind === "allow" && verdict.patch.map((operation) => operation.path)).toEqual([
      "/metadata/annotations/nodelatch.io~1reboot-lock",
      "/metadata/annotations/cluster-autoscaler.kubernetes.io~1scale-down-disabled",
      "/metadata/annotations/karpenter.sh~1do-not-disrupt",
    ]);
  });

  test("removes lock and override on break-glass and leaves the record of the act", async () => {
    const old = locked(lockRecord());
    const node = rewritten(old, { annotations: { [OVERRIDE_ANNOTATION]: "fire" }, unschedulable: false });
    const result = applied(await latch(updateOf(old, node, caller("bob")), never), node, {});
    expect(Object.keys(result ?? {})).toEqual(["nodelatch.io/last-override"]);
  });

  test("takes the lock along with the holder's uncordon", async () => {
    const old = locked(lockRecord({ release: "uncordon" }));
    const node = rewritten(old, { unschedulable: false });
    expect(
      applied(await latch(updateOf(old, node, caller("alice")), never), node, { "other.io/x": "1" }),
    ).toEqual({
      "other.io/x": "1",
    });
  });

  test("is empty where nothing is to be done", async () => {
    const verdict = await latch(
      updateOf(nodeView(), nodeView({ unschedulable: false }), caller("bob")),
      never,
    );
    expect(verdict).toEqual({ kind: "allow", decision: "left", warnings: [], audit: {}, patch: [] });
  });

  test("adds the whole map where the node had none", () => {
    const bare = { ...nodeView(), hasAnnotations: false };
    expect(annotationPatch(bare, new Map([[LOCK_ANNOTATION, "x"]]))).toEqual([
      { op: "add", path: "/metadata/annotations", value: { [LOCK_ANNOTATION]: "x" } },
    ]);
  });
});

test("a bad value is refused with 422 and the field", async () => {
  const verdict = await latch(updateOf(nodeView(), locked('{"ttl":"soon"}'), caller("alice")), never);
  expect(verdict).toMatchObject({ kind: "refuse", code: 422, reason: "Invalid", decision: "bad-value" });
  expect(verdict.kind === "refuse" ? verdict.message : "").toContain('ttl="soon"');
});

test("what was ignored in the value comes back as a warning", async () => {
  const verdict = await latch(updateOf(nodeView(), locked('{"tll":"1h"}'), caller("alice")), never);
  expect(verdict.warnings[0]).toContain("ignored tll");
});

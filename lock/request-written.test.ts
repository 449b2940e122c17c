/** Who may write a refused uncordon onto a locked node: it is carried out with the rights of whom it names. */
import { describe, expect, test } from "vitest";
import { changeOf } from "./change.ts";
import { decide, type GuardDecision, type GuardSettings } from "./decide.ts";
import { asker, guardSettings, locked, lockRecord, NOW, nodeView, rewritten } from "./fixture.ts";
import { LOCK_ANNOTATION, OVERRIDE_ANNOTATION, type NodeView } from "./node.ts";
import { writeRecord, type Asker } from "./record.ts";
import { UNCORDON_REQUESTED_ANNOTATION } from "./requested-uncordon.ts";
import { kured } from "./tool-fixture.ts";
import { toolsByUser } from "./tool.ts";

const REQUESTED = UNCORDON_REQUESTED_ANNOTATION;
const settings = guardSettings({ acceptNodeIdentity: true, tools: toolsByUser([kured]) });
const old = locked(lockRecord());
const forged = rewritten(old, { annotations: { [REQUESTED]: "{}" } });

function decided(
  by: Asker,
  before: NodeView,
  after: NodeView,
  part: Partial<GuardSettings> = {},
): GuardDecision {
  const change = changeOf({ operation: "UPDATE", subresource: "", old: before, node: after });
  return decide(change, by, NOW, { ...settings, ...part });
}

const refused = { kind: "refuse", why: "request-forged" };

test.each([
  ["the webhook", asker("webhook", "n9"), { kind: "allow", why: "request-kept" }],
  ["the node's own agent", asker("agent", "n1"), { kind: "allow", why: "request-kept" }],
  ["another node's agent", asker("agent", "n2"), refused],
  ["the node's own kubelet", asker("system:node:n1"), refused],
  ["the holder", asker("alice"), refused],
  ["a tool", asker("kured", "n1"), refused],
  ["a stranger", asker("bob"), refused],
])("%s", (_name, by, expected) => {
  expect(decided(by, old, forged)).toEqual(expected);
});

describe("a forged one is refused", () => {
  const expired = locked(lockRecord({ expiresAt: "2026-11-21T09:20:00Z" }));
  const both = (node: NodeView, part: Parameters<typeof rewritten>[1]): NodeView =>
    rewritten(rewritten(node, { annotations: { [REQUESTED]: "{}" } }), part);
  const restamped = writeRecord(lockRecord({ reason: "other" }));
  test.each<[string, Asker, NodeView, NodeView]>([
    [
      "beside the holder's change of its lock",
      asker("alice"),
      old,
      both(old, { annotations: { [LOCK_ANNOTATION]: restamped } }),
    ],
    ["beside a cordon", asker("bob"), { ...old, unschedulable: false }, both(old, {})],
    ["under an expired lock", asker("bob"), expired, both(expired, {})],
    [
      "beside an uncordon under an expired lock",
      asker("bob"),
      expired,
      both(expired, { unschedulable: false }),
    ],
    [
      "beside an override that the latch has not seen",
      asker("bob"),
      old,
      both(old, { annotations: { [OVERRIDE_ANNOTATION]: "x" } }),
    ],
  ])("%s", (_name, by, before, after) => {
    expect(decided(by, before, after)).toEqual(refused);
  });
});

test("modes warn and off let it pass", () => {
  expect(decided(asker("bob"), old, forged, { mode: "warn" })).toEqual({
    kind: "allow",
    why: "mode-warn",
    insteadOf: "request-forged",
  });
  expect(decided(asker("bob"), old, forged, { mode: "off" })).toEqual({ kind: "allow", why: "mode-off" });
});

test("anybody may remove one, and write one where there is no lock", () => {
  expect(decided(asker("bob"), forged, old)).toEqual({ kind: "allow", why: "not-relevant" });
  const free = nodeView({ annotations: { [REQUESTED]: "{}" } });
  expect(decided(asker("bob"), nodeView(), free)).toEqual({ kind: "allow", why: "not-relevant" });
});

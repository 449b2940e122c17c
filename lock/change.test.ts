import { describe, expect, test } from "vitest";
import { changeOf } from "./change.ts";
import { locked, lockRecord, nodeView, rewritten } from "./fixture.ts";
import { LOCK_ANNOTATION, type NodeView } from "./node.ts";

const open = nodeView({ unschedulable: false });
const cordoned = nodeView({ unschedulable: true });
const held = locked(lockRecord());
const heldOpen = locked(lockRecord(), { unschedulable: false });
const stripped = rewritten(held, { annotations: { [LOCK_ANNOTATION]: null } });
const emptied = rewritten(held, { annotations: { [LOCK_ANNOTATION]: "" } });
const leaving: NodeView = { ...held, deleting: true };
const uncordon = { unschedulable: false };

describe("changeOf an update", () => {
  test.each<[string, NodeView, NodeView, string]>([
    ["nothing on a node without lock", open, open, "none"],
    ["cordon of a node without lock", open, cordoned, "none"],
    ["uncordon of a node without lock", cordoned, open, "none"],
    ["the lock appears", cordoned, held, "acquire"],
    ["the lock appears with an empty value", cordoned, locked(""), "acquire"],
    ["the lock appears in the same request as an uncordon", cordoned, heldOpen, "acquire"],
    ["nothing on a locked node", held, held, "none"],
    ["cordon of a locked, schedulable node", heldOpen, held, "cordon"],
    [
      "another annotation",
      held,
      rewritten(held, { annotations: { "nodelatch.io/boot-report": "{}" } }),
      "none",
    ],
    ["uncordon", held, rewritten(held, uncordon), "uncordon"],
    ["the lock is removed", held, stripped, "lock-removed"],
    ["the lock is removed from a schedulable node", heldOpen, open, "lock-removed"],
    ["lock and cordon go at once", held, rewritten(stripped, uncordon), "removed-and-uncordoned"],
    ["the value changes", held, emptied, "lock-changed"],
    ["an empty value gets another", locked(""), held, "lock-changed"],
    ["value and cordon change at once", held, rewritten(emptied, uncordon), "changed-and-uncordoned"],
    ["a node on its way out", leaving, rewritten(stripped, { ...uncordon }), "none"],
  ])("%s", (_name, old, node, kind) => {
    expect(changeOf({ operation: "UPDATE", subresource: "", old, node }).kind).toBe(kind);
  });
});

describe("changeOf a write to nodes/status", () => {
  test.each<[string, NodeView, NodeView, string]>([
    ["a heartbeat", held, held, "none"],
    ["an uncordon, which the server ignores there", held, rewritten(held, uncordon), "none"],
    ["a cordon, which the server ignores there", heldOpen, held, "none"],
    ["the lock is stripped", held, stripped, "lock-removed"],
    [
      "the lock is stripped along with an ignored uncordon",
      held,
      rewritten(stripped, uncordon),
      "lock-removed",
    ],
    ["the value changes", held, emptied, "lock-changed"],
    ["the lock appears", cordoned, held, "acquire"],
  ])("%s", (_name, old, node, kind) => {
    expect(changeOf({ operation: "UPDATE", subresource: "status", old, node }).kind).toBe(kind);
  });
});

describe("changeOf other operations", () => {
  test.each<[string, Parameters<typeof changeOf>[0], string]>([
    ["create without lock", { operation: "CREATE", subresource: "", old: null, node: open }, "none"],
    ["create with a lock", { operation: "CREATE", subresource: "", old: null, node: held }, "acquire"],
    ["delete without lock", { operation: "DELETE", subresource: "", old: cordoned, node: null }, "none"],
    ["delete of a locked node", { operation: "DELETE", subresource: "", old: held, node: null }, "delete"],
    [
      "delete of a node on its way out",
      { operation: "DELETE", subresource: "", old: leaving, node: null },
      "none",
    ],
    ["connect to the proxy", { operation: "CONNECT", subresource: "proxy", old: null, node: null }, "none"],
  ])("%s", (_name, request, kind) => {
    expect(changeOf(request).kind).toBe(kind);
  });

  test.each<[string, Parameters<typeof changeOf>[0], string]>([
    [
      "an update without the old object",
      { operation: "UPDATE", subresource: "", old: null, node: held },
      "oldObject",
    ],
    [
      "an update without the object",
      { operation: "UPDATE", subresource: "", old: held, node: null },
      "request.object",
    ],
    [
      "a delete without the old object",
      { operation: "DELETE", subresource: "", old: null, node: null },
      "oldObject",
    ],
    [
      "a create without the object",
      { operation: "CREATE", subresource: "", old: null, node: null },
      "request.object",
    ],
  ])("%s can't be judged", (_name, request, field) => {
    expect(() => changeOf(request)).toThrow(field);
  });
});

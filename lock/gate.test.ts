import { describe, expect, test } from "vitest";
import { locked, lockRecord, NOW, nodeView } from "./fixture.ts";
import { mustLeave, parseGatePod, type GatePod } from "./gate-pod.ts";
import { gateWords, judgeGate, type GateFacts } from "./gate.ts";
import type { LockRecord } from "./record.ts";

const LOCKED = Date.parse(lockRecord().acquiredAt);

function gatePod(part: Partial<GatePod> = {}): GatePod {
  return {
    namespace: "default",
    name: "web",
    controllerKind: "ReplicaSet",
    mirror: false,
    phase: "Running",
    boundMillis: LOCKED - 60_000,
    toleratesCordon: false,
    ...part,
  };
}

function facts(part: Partial<GateFacts> = {}): GateFacts {
  return { node: locked(lockRecord()), pods: [], bootID: "boot-1", nowMillis: NOW, ...part };
}

const withLock = (part: Partial<LockRecord>) => facts({ node: locked(lockRecord(part)) });

test("it is open when the node is locked in this boot, cordoned and drained", () => {
  const verdict = judgeGate(facts());
  expect(verdict).toEqual({ kind: "open", record: lockRecord() });
  expect(gateWords(verdict)).toBe("open: locked by alice (kernel update), cordoned and drained");
});

// Each row breaks one condition of the open gate above and nothing else.
test.each<[string, GateFacts, string, boolean]>([
  [
    "a node that is being deleted",
    facts({ node: locked(lockRecord(), { deleting: true }) }),
    "being-deleted",
    false,
  ],
  ["no lock", facts({ node: nodeView() }), "not-locked", true],
  ["a lock in plain words", facts({ node: locked("kernel update") }), "unknown-holder", false],
  ["an empty lock", facts({ node: locked("") }), "unknown-holder", false],
  ["an expired lock", withLock({ expiresAt: "2026-11-21T09:29:59Z" }), "expired", false],
  ["a lock that expires this very second", withLock({ expiresAt: "2026-11-21T09:30:00Z" }), "expired", false],
  ["a lock of an earlier node of this name", withLock({ nodeUID: "uid-old" }), "other-node", false],
  [
    "a node without a UID",
    facts({ node: locked(lockRecord({ nodeUID: "" }), { uid: "" }) }),
    "other-node",
    false,
  ],
  ["a kernel that has rebooted since", facts({ bootID: "boot-2" }), "boot-changed", false],
  [
    "a kubelet that has reported another boot since",
    facts({ node: locked(lockRecord(), { bootID: "boot-2" }) }),
    "boot-changed",
    false,
  ],
  ["a lock of an earlier boot", withLock({ bootID: "boot-0" }), "boot-changed", false],
  ["a lock without a boot ID", withLock({ bootID: "" }), "boot-unknown", false],
  [
    "no boot ID anywhere",
    facts({ bootID: "", node: locked(lockRecord({ bootID: "" }), { bootID: "" }) }),
    "boot-unknown",
    false,
  ],
  ["a running boot that is not known", facts({ bootID: "" }), "boot-unknown", true],
  [
    "a node that has reported no boot ID",
    facts({ node: locked(lockRecord(), { bootID: "" }) }),
    "boot-unknown",
    true,
  ],
  [
    "a node that is not cordoned",
    facts({ node: locked(lockRecord(), { unschedulable: false }) }),
    "not-cordoned",
    true,
  ],
  ["a lock of somebody else than was named", facts({ holder: "kured" }), "other-holder", true],
  ["a pod that runs", facts({ pods: [gatePod()] }), "pods-left", true],
])("%s closes it", (_name, given, rule, mayOpen) => {
  const verdict = judgeGate(given);
  expect(verdict).toMatchObject({ kind: "closed", reasons: [{ rule, mayPass: mayOpen }], mayOpen });
  expect(verdict.kind === "closed" && verdict.reasons.length).toBe(1);
});

test("the lock of whoever was named leaves it open", () => {
  expect(judgeGate(facts({ holder: "alice" })).kind).toBe("open");
});

test("an expiry one second ahead leaves it open", () => {
  expect(judgeGate(withLock({ expiresAt: "2026-11-21T09:30:01Z" })).kind).toBe("open");
});

test("all reasons are told, and one that can't pass is enough for waiting to be in vain", () => {
  const verdict = judgeGate(
    facts({
      node: locked(lockRecord({ expiresAt: "2026-11-21T09:00:00Z" }), { unschedulable: false }),
      pods: [gatePod()],
      bootID: "boot-2",
    }),
  );
  expect(verdict).toMatchObject({
    mayOpen: false,
    reasons: [{ rule: "expired" }, { rule: "boot-changed" }, { rule: "not-cordoned" }, { rule: "pods-left" }],
  });
});

test("no lock, no cordon and pods left may all come true", () => {
  expect(judgeGate(facts({ node: nodeView({ unschedulable: false }), pods: [gatePod()] }))).toMatchObject({
    mayOpen: true,
  });
});

test("at most five pods are named, in order", () => {
  const pods = Array.from({ length: 7 }, (_, index) => gatePod({ name: `web-${7 - index}` }));
  expect(gateWords(judgeGate(facts({ pods })))).toBe(
    "closed: 7 pods are left: default/web-1, default/web-2, default/web-3, default/web-4, default/web-5 and 2 more",
  );
  expect(gateWords(judgeGate(facts({ pods: [gatePod()] })))).toBe("closed: 1 pod is left: default/web");
});

test("without a record every pod counts, whenever it came", () => {
  const pods = [gatePod({ toleratesCordon: true, boundMillis: NOW })];
  expect(judgeGate(facts({ node: locked("by hand"), pods }))).toMatchObject({
    reasons: [{ rule: "unknown-holder" }, { rule: "pods-left" }],
  });
});

test("words of others stay one line", () => {
  const words = gateWords(judgeGate(withLock({ reason: "a\nb\u001b[31m", holder: "x\ny" })));
  expect(words).not.toMatch(/\p{Cc}/u);
});

describe("which pods must leave", () => {
  test.each<[string, Partial<GatePod>, boolean]>([
    ["of a ReplicaSet", {}, true],
    ["without an owner", { controllerKind: "" }, true],
    ["not yet started", { phase: "Pending" }, true],
    ["of an unknown state", { phase: "Unknown" }, true],
    ["without a state", { phase: "" }, true],
    ["of a DaemonSet", { controllerKind: "DaemonSet" }, false],
    ["the mirror of a static pod", { mirror: true, controllerKind: "Node" }, false],
    ["that succeeded", { phase: "Succeeded" }, false],
    ["that failed", { phase: "Failed" }, false],
    ["that tolerates the cordon and was there before the lock", { toleratesCordon: true }, true],
    [
      "that tolerates the cordon and came a second before the lock",
      { toleratesCordon: true, boundMillis: LOCKED - 1_000 },
      true,
    ],
    [
      "that tolerates the cordon and came in the lock's own second",
      { toleratesCordon: true, boundMillis: LOCKED },
      false,
    ],
    [
      "that tolerates the cordon and came after the lock",
      { toleratesCordon: true, boundMillis: LOCKED + 1_000 },
      false,
    ],
    ["that came after the lock without tolerating the cordon", { boundMillis: LOCKED + 1_000 }, true],
  ])("a pod %s", (_name, part, expected) => {
    expect(mustLeave(gatePod(part), LOCKED)).toBe(expected);
    expect(judgeGate(facts({ pods: [gatePod(part)] })).kind).toBe(expected ? "closed" : "open");
  });
});

describe("reading a pod", () => {
  const pod = {
    metadata: {
      namespace: "ns",
      name: "p",
      creationTimestamp: "2026-11-21T09:00:00Z",
      ownerReferences: [
        { kind: "DaemonSet", name: "no controller" },
        { kind: "Job", controller: true },
      ],
    },
    spec: { nodeName: "n1" },
    status: { phase: "Running" },
  };

  test("only the controlling owner counts", () => {
    expect(parseGatePod(pod, "n1", "items[0]")).toEqual({
      namespace: "ns",
      name: "p",
      controllerKind: "Job",
      mirror: false,
      phase: "Running",
      boundMillis: Date.parse("2026-11-21T09:00:00Z"),
      toleratesCordon: false,
    });
  });

  test.each<[string, unknown, string]>([
    [
      "when it was bound",
      [
        { type: "Ready", status: "True", lastTransitionTime: "2026-11-21T09:05:00Z" },
        { type: "PodScheduled", status: "True", lastTransitionTime: "2026-11-21T09:03:00Z" },
      ],
      "2026-11-21T09:03:00Z",
    ],
    [
      "not when it could not be bound",
      [{ type: "PodScheduled", status: "False", lastTransitionTime: "2026-11-21T09:03:00Z" }],
      "2026-11-21T09:00:00Z",
    ],
    ["when it was created, if nothing else is known", undefined, "2026-11-21T09:00:00Z"],
  ])("on its node since: %s", (_what, conditions, expected) => {
    const parsed = parseGatePod({ ...pod, status: { ...pod.status, conditions } }, "n1", "items[0]");
    expect(parsed.boundMillis).toBe(Date.parse(expected));
  });

  test.each<[string, unknown, boolean]>([
    ["none", undefined, false],
    ["of the cordon by its key", [{ key: "node.kubernetes.io/unschedulable", operator: "Exists" }], true],
    [
      "of the cordon's empty value",
      [{ key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" }],
      true,
    ],
    ["of another value", [{ key: "node.kubernetes.io/unschedulable", value: "x" }], false],
    [
      "of another effect",
      [{ key: "node.kubernetes.io/unschedulable", operator: "Exists", effect: "NoExecute" }],
      false,
    ],
    ["of everything", [{ operator: "Exists" }], true],
    ["of nothing", [{}], false],
    ["of another taint", [{ key: "node.kubernetes.io/not-ready", operator: "Exists" }], false],
  ])("tolerations: %s", (_what, tolerations, expected) => {
    const parsed = parseGatePod({ ...pod, spec: { ...pod.spec, tolerations } }, "n1", "items[0]");
    expect(parsed.toleratesCordon).toBe(expected);
  });

  test("the mirror annotation counts by its key", () => {
    const annotations = { "kubernetes.io/config.mirror": "" };
    const parsed = parseGatePod({ ...pod, metadata: { ...pod.metadata, annotations } }, "n1", "items[0]");
    expect(parsed.mirror).toBe(true);
  });

  test.each<[string, unknown, string]>([
    ["no object", "x", "items[0]: expected an object, got string"],
    [
      "another node's",
      { ...pod, spec: { nodeName: "n2" } },
      'items[0].spec.nodeName: expected "n1", got "n2"',
    ],
    ["no node", { ...pod, spec: {} }, "items[0].spec.nodeName: expected a string, got undefined"],
    [
      "a phase of another type",
      { ...pod, status: { phase: 1 } },
      "items[0].status.phase: expected a string, got number",
    ],
    [
      "owners that are no list",
      { ...pod, metadata: { ...pod.metadata, ownerReferences: {} } },
      "items[0].metadata.ownerReferences: expected a list, got object",
    ],
    [
      "no time of creation",
      { ...pod, metadata: { ...pod.metadata, creationTimestamp: null } },
      "items[0].metadata.creationTimestamp: expected a string, got null",
    ],
    [
      "tolerations that are no list",
      { ...pod, spec: { ...pod.spec, tolerations: "all" } },
      "items[0].spec.tolerations: expected a list, got string",
    ],
    ["no metadata", { spec: pod.spec }, "items[0].metadata: expected an object, got nothing"],
  ])("%s is an error that names the field", (_name, raw, message) => {
    expect(() => parseGatePod(raw, "n1", "items[0]")).toThrow(new TypeError(message));
  });
});

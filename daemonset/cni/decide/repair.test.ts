import { describe, expect, test } from "vitest";
import type { SandboxSummary } from "../../runtime/runtime.ts";
import { proven, sandbox, sandboxID } from "../testing/proven.ts";
import { mendedVersion } from "./leaky-version.ts";
import { MOST_STOPS, supersededHolders } from "./repair.ts";

const OLD = sandboxID(1);
const NEW = sandboxID(2);
const pod = { uid: "u", namespace: "default", name: "web" };
const old = sandbox(OLD, { pod, attempt: 0, state: "not-ready" });
const successor = sandbox(NEW, { pod, attempt: 1, state: "ready" });

function holders(sandboxes: readonly SandboxSummary[], leases = [OLD], stops = 0): readonly string[] {
  const liveness = { ...proven(), sandboxes: new Map(sandboxes.map((each) => [each.id, each])) };
  const facts = { leaseHolders: new Set(leases), stops: new Map([[OLD, stops]]) };
  return supersededHolders(liveness, facts).map(({ id }) => id);
}

describe("a sandbox to stop again", () => {
  test("has ended, has a lease, and has a running successor", () => {
    expect(holders([old, successor])).toEqual([OLD]);
    expect(holders([old, successor], [OLD], MOST_STOPS - 1)).toEqual([OLD]);
  });

  test("the pod's highest attempt counts, in whatever order sandboxes are listed", () => {
    const last = { ...successor, id: sandboxID(3), attempt: 3 };
    const ended = { ...old, attempt: 2 };
    expect(holders([ended, last, successor])).toEqual([OLD]);
    expect(holders([ended, successor, last])).toEqual([OLD]);
  });

  test.each<[string, readonly SandboxSummary[]]>([
    ["without a successor", [old]],
    ["the successor has ended too", [old, { ...successor, state: "not-ready" }]],
    ["the successor is in a state that nobody knows", [old, { ...successor, state: "unrecognized" }]],
    ["the successor has the same attempt", [old, { ...successor, attempt: 0 }]],
    ["the other one is older", [{ ...old, attempt: 2 }, successor]],
    ["another pod's", [old, { ...successor, pod: { ...pod, uid: "other" } }]],
    ["it runs", [{ ...old, state: "ready" }, successor]],
    ["its state is not known", [{ ...old, state: "unrecognized" }, successor]],
    [
      "no pod",
      [
        { ...old, pod: undefined },
        { ...successor, pod: undefined },
      ],
    ],
    [
      "pods without a UID",
      [
        { ...old, pod: { ...pod, uid: "" } },
        { ...successor, pod: { ...pod, uid: "" } },
      ],
    ],
  ])("not: %s", (_what, sandboxes) => {
    expect(holders(sandboxes)).toEqual([]);
  });

  test("not without a lease, and not again and again", () => {
    expect(holders([old, successor], [NEW])).toEqual([]);
    expect(holders([old, successor], [OLD], MOST_STOPS)).toEqual([]);
  });
});

test.each([
  ["containerd", "1.7.22", undefined],
  ["containerd", "1.7.23", "1.7.31"],
  ["containerd", "v1.7.24-k3s2", "1.7.31"],
  ["containerd", "1.7.30", "1.7.31"],
  ["containerd", "1.7.31", undefined],
  ["containerd", "1.6.36", undefined],
  ["containerd", "2.0.0", "2.0.8"],
  ["containerd", "2.0.7", "2.0.8"],
  ["containerd", "2.0.8", undefined],
  ["containerd", "2.1.6", "2.1.7"],
  ["containerd", "2.1.9", undefined],
  ["containerd", "2.2.1", "2.2.2"],
  ["containerd", "2.2.2", undefined],
  ["containerd", "2.3.0", undefined],
  ["containerd", "nonsense", undefined],
  ["cri-o", "2.0.0", undefined],
])("%s %s: go to %s", (name, version, mended) => {
  expect(mendedVersion(name, version)).toBe(mended);
});

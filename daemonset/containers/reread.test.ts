import { describe, expect, test } from "vitest";
import type { ContainerSummary } from "../runtime/runtime.ts";
import type { Removal } from "./decide.ts";
import { container, verdictsAt, WEB } from "./fixture.ts";
import { whyChanged, whyOrderChanged } from "./reread.ts";

const judged = container({ createdAtNanos: 5_500_000_000n });

describe("a container read again", () => {
  test("is the same if nothing has changed", () => {
    expect(whyChanged(judged, { ...judged })).toBeUndefined();
  });

  test.each(["running", "exited", "unknown", "unrecognized"] as const)(
    "has changed if it is %s now",
    (state) => {
      expect(whyChanged(judged, { ...judged, state })).toBe("state-changed");
    },
  );

  test.each<[string, Partial<ContainerSummary>]>([
    ["ID", { id: "c1" }],
    ["attempt", { attempt: 1 }],
    ["name", { name: "other" }],
    ["pod", { pod: { ...WEB, uid: "other" } }],
    ["pod, that is lost", { pod: undefined }],
    ["date", { createdAtNanos: 6_500_000_000n }],
    ["date, by the end of a second", { createdAtNanos: 6_000_000_000n }],
  ])("is another if its %s has changed", (_what, change) => {
    expect(whyChanged(judged, { ...judged, ...change })).toBe("identity-changed");
  });

  test("may know its date better than the list: whole seconds (Docker), or none at all (containerd)", () => {
    const listed = (createdAtNanos: bigint) => ({ ...judged, createdAtNanos });
    expect(whyChanged(listed(5_000_000_000n), judged)).toBeUndefined();
    expect(whyChanged(listed(0n), judged)).toBeUndefined();
    expect(whyChanged(judged, listed(0n))).toBeUndefined();
  });
});

describe("the order read again", () => {
  const SECOND = 1_000_000_000n;
  const late = container({ state: "exited", createdAtNanos: 9n * SECOND });
  const proof = container({ id: "c1", attempt: 1, state: "running", createdAtNanos: 2n * SECOND });
  const verdict = verdictsAt([0], [late, proof]).get("c0");
  const removal: Removal =
    verdict?.kind === "remove" ? verdict : expect.fail("the fixture is not removed by the clock rule");

  test("holds if both are as they were, whatever the proof does now", () => {
    expect(whyOrderChanged(removal, late, proof)).toBeUndefined();
    expect(whyOrderChanged(removal, late, { ...proof, state: "exited" })).toBeUndefined();
  });

  test.each<[string, ContainerSummary | undefined]>([
    ["is gone", undefined],
    ["is another attempt", { ...proof, attempt: 2 }],
    ["is another pod's", { ...proof, pod: { ...WEB, uid: "other" } }],
    ["is another container's", { ...proof, name: "other" }],
    ["has another date", { ...proof, createdAtNanos: 3n * SECOND }],
  ])("is not proven if the proof %s", (_what, fresh) => {
    expect(whyOrderChanged(removal, late, fresh)).toBe("proof-gone");
  });

  test("is judged by what the status says: within one second the list may have been coarse", () => {
    const coarse: Removal = {
      ...removal,
      container: { ...late, createdAtNanos: 3n * SECOND },
      overtaken: { ...proof, createdAtNanos: 2n * SECOND },
    };
    const fresh = { ...late, createdAtNanos: 2n * SECOND + 1n };
    const freshProof = { ...proof, createdAtNanos: 2n * SECOND + 2n };
    expect(whyOrderChanged(coarse, fresh, freshProof)).toBe("order-changed");
    expect(whyOrderChanged(coarse, { ...fresh, createdAtNanos: 0n }, freshProof)).toBe("order-changed");
  });

  test("is not proven without a proof", () => {
    expect(whyOrderChanged({ ...removal, overtaken: undefined }, late, proof)).toBe("proof-gone");
  });
});

import { describe, expect, test } from "vitest";
import { apply, DEFAULT_APPLY } from "./apply.ts";
import { WEB } from "./fixture.ts";
import { FakeRuntime } from "./testing/fake-runtime.ts";
import { kinds, NOW, refuse, removalOf, requestOf, runtimeWith } from "./testing/apply-kit.ts";

describe("what rests on the order of dates", () => {
  const SECOND = 1_000_000_000n;
  /** EXITED app_0 from the future, CREATED app_1 in its dead sandbox (kubernetes#135762). */
  function inverted() {
    const runtime = new FakeRuntime(NOW);
    const sandboxID = runtime.runSandbox(WEB);
    const late = runtime.create(sandboxID, "app", 0, {
      state: "exited",
      createdAtNanos: NOW + 3_600n * SECOND,
    });
    const proof = runtime.create(sandboxID, "app", 1);
    const removals = [removalOf(proof), removalOf(late, { rule: "clock-inverted", overtaken: proof })];
    return { runtime, late, proof, removals };
  }

  test("goes before its proof, and both go in one pass", async () => {
    const { runtime, late, proof, removals } = inverted();
    expect(kinds(await apply(requestOf(runtime, removals).request))).toEqual(["removed", "removed"]);
    expect(runtime.removed).toEqual([late.id, proof.id]);
  });

  test("is judged again by both statuses, its own read last", async () => {
    const { runtime, late, proof, removals } = inverted();
    await apply(requestOf(runtime, removals).request);
    expect(runtime.calls.slice(0, 3)).toEqual([
      { method: "containerState", id: proof.id },
      { method: "containerState", id: late.id },
      { method: "removeContainer", id: late.id },
    ]);
  });

  test("stays if its proof is gone", async () => {
    const { runtime, late, proof, removals } = inverted();
    runtime.containers.delete(proof.id);
    const outcomes = await apply(requestOf(runtime, removals.slice(1)).request);
    expect(outcomes).toMatchObject([{ kind: "kept", why: "proof-gone" }]);
    expect(runtime.containers.has(late.id)).toBe(true);
  });

  test("keeps its proof as long as it is there itself", async () => {
    const { runtime, late, removals } = inverted();
    late.createdAtNanos += 5n * SECOND;
    const { request, slept } = requestOf(runtime, removals);
    const outcomes = await apply(request);
    expect(outcomes.map(({ removal, ...rest }) => [removal.container.attempt, rest])).toEqual([
      [0, { kind: "kept", why: "identity-changed" }],
      [1, { kind: "kept", why: "proof-needed" }],
    ]);
    expect(slept).toEqual([]);
    expect(runtime.removed).toEqual([]);
  });

  test("has its proof wait with it while it is busy", async () => {
    const { runtime, late, proof, removals } = inverted();
    let tries = 0;
    runtime.before = (call) => {
      if (call.method === "removeContainer" && call.id === late.id && tries++ < 2) refuse("busy");
    };
    expect(kinds(await apply(requestOf(runtime, removals).request))).toEqual(["removed", "removed"]);
    expect(runtime.removed).toEqual([late.id, proof.id]);
  });

  test("has its proof stay if it stays busy", async () => {
    const { runtime, late, removals } = inverted();
    runtime.before = (call) => {
      if (call.method === "removeContainer" && call.id === late.id) refuse("busy");
    };
    const outcomes = await apply(requestOf(runtime, removals).request);
    expect(outcomes.map(({ removal, kind }) => `${removal.container.attempt} ${kind}`)).toEqual([
      "0 busy",
      "1 kept",
    ]);
    expect(runtime.removed).toEqual([]);
  });

  test("is not asked of what goes by other rules, even if it overtakes", async () => {
    const { runtime, late, proof } = inverted();
    late.state = "created";
    const { request } = requestOf(runtime, [removalOf(late, { overtaken: proof })]);
    expect(kinds(await apply(request))).toEqual(["removed"]);
    expect(runtime.calls.map(({ id }) => id)).not.toContain(proof.id);
  });
});

describe("a task that the status does not show yet", () => {
  const ready = { rule: "created-in-ready-sandbox", sandbox: "ready" } as const;

  test("keeps the container: it is busy, and read again later", async () => {
    const { runtime, containers } = runtimeWith(1);
    const removals = containers.map((one) => removalOf(one, ready));
    const asked: string[] = [];
    const { request } = requestOf(runtime, removals, {
      hasTask: async (id) => {
        asked.push(id);
        return true;
      },
    });
    expect(await apply(request)).toMatchObject([
      { kind: "busy", message: "it is being started, or runs: it has a task" },
    ]);
    expect(asked).toHaveLength(DEFAULT_APPLY.tries);
    expect(runtime.calls.map(({ method }) => method)).not.toContain("removeContainer");
  });

  test.each(["ready", "not-ready", "missing"] as const)(
    "is looked for between status and removal, in a %s sandbox as well",
    async (sandbox) => {
      const { runtime, containers } = runtimeWith(1);
      const order: string[] = [];
      runtime.before = ({ method }) => void order.push(method);
      const { request } = requestOf(
        runtime,
        containers.map((one) => removalOf(one, { sandbox })),
        { hasTask: async () => order.push("hasTask") === 0 },
      );
      await apply(request);
      expect(order).toEqual(["containerState", "hasTask", "removeContainer"]);
    },
  );

  test.each([
    ["unknown", true],
    ["exited", false],
  ] as const)("of one that is %s: looked for is %s", async (state, lookedFor) => {
    const { runtime, containers } = runtimeWith(1);
    for (const one of containers) one.state = state;
    let asked = false;
    const { request } = requestOf(
      runtime,
      containers.map((one) => removalOf(one)),
      {
        hasTask: async () => {
          asked = true;
          return false;
        },
      },
    );
    expect(kinds(await apply(request))).toEqual(["removed"]);
    expect(asked).toBe(lookedFor);
  });

  test("that can't be looked for keeps the container", async () => {
    const { runtime, containers } = runtimeWith(1);
    const { request } = requestOf(
      runtime,
      containers.map((one) => removalOf(one, ready)),
      {
        hasTask: () => Promise.reject(new Error("EIO")),
      },
    );
    expect(await apply(request)).toMatchObject([{ kind: "failed", failure: "other", message: "Error: EIO" }]);
    expect(runtime.containers.size).toBe(1);
  });
});

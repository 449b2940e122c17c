import { describe, expect, test } from "vitest";
import { apply, DEFAULT_APPLY } from "./apply.ts";
import { outcomeText } from "./outcome.ts";
import type { FakeContainer } from "./testing/fake-runtime.ts";
import { kinds, refuse, removalOf, requestOf, runtimeWith } from "./testing/apply-kit.ts";

describe("a removal", () => {
  test("reads the status, removes, and is told once", async () => {
    const { runtime, containers } = runtimeWith(1);
    const { request, told } = requestOf(
      runtime,
      containers.map((one) => removalOf(one)),
    );
    const outcomes = await apply(request);
    expect(runtime.calls.map(({ method }) => method)).toEqual(["containerState", "removeContainer"]);
    expect(kinds(outcomes)).toEqual(["removed"]);
    expect(told).toEqual(outcomes);
    expect(runtime.containers.size).toBe(0);
  });

  test("of what is gone already needs nothing", async () => {
    const { runtime, containers } = runtimeWith(1);
    runtime.containers.clear();
    const { request } = requestOf(
      runtime,
      containers.map((one) => removalOf(one)),
    );
    expect(kinds(await apply(request))).toEqual(["gone"]);
    expect(runtime.calls).toHaveLength(1);
  });

  test.each<[string, (container: FakeContainer) => void, string]>([
    ["runs now", (one) => (one.state = "running"), "state-changed"],
    ["has ended now", (one) => (one.state = "exited"), "state-changed"],
    ["has another attempt", (one) => (one.attempt = 5), "identity-changed"],
    ["has another date", (one) => (one.createdAtNanos += 2_000_000_000n), "identity-changed"],
  ])("is not sent if the container %s", async (_what, change, why) => {
    const { runtime, containers } = runtimeWith(1);
    const { request } = requestOf(
      runtime,
      containers.map((one) => removalOf(one)),
    );
    containers.forEach(change);
    expect(await apply(request)).toMatchObject([{ kind: "kept", why }]);
    expect(runtime.calls.map(({ method }) => method)).toEqual(["containerState"]);
  });

  test("that the runtime answers with not found is gone", async () => {
    const { runtime, containers } = runtimeWith(1);
    runtime.before = () => refuse("not-found");
    expect(
      kinds(
        await apply(
          requestOf(
            runtime,
            containers.map((one) => removalOf(one)),
          ).request,
        ),
      ),
    ).toEqual(["gone"]);
  });

  test.each(["unavailable", "unimplemented", "nonsense", "other"] as const)(
    "that fails as %s says so and is not tried again",
    async (kind) => {
      for (const method of ["containerState", "removeContainer"]) {
        const { runtime, containers } = runtimeWith(1);
        runtime.before = (call) => {
          if (call.method === method) refuse(kind, "broken");
        };
        const { request, slept } = requestOf(
          runtime,
          containers.map((one) => removalOf(one)),
        );
        expect(await apply(request)).toMatchObject([{ kind: "failed", failure: kind, message: "broken" }]);
        expect(slept).toEqual([]);
        expect(runtime.containers.size).toBe(1);
      }
    },
  );

  test("that hangs fails after the deadline of one call", async () => {
    const { runtime, containers } = runtimeWith(1);
    runtime.before = () => new Promise(() => {});
    const settings = { ...DEFAULT_APPLY, callTimeoutMillis: 10 };
    const { request } = requestOf(
      runtime,
      containers.map((one) => removalOf(one)),
      { settings },
    );
    expect(await apply(request)).toMatchObject([{ kind: "failed", failure: "deadline" }]);
  });
});

describe("busy containers", () => {
  test("are read again before every try, with growing, bounded, jittered delays", async () => {
    const { runtime, containers } = runtimeWith(1);
    for (const one of containers) one.starting = true;
    const { request, slept } = requestOf(
      runtime,
      containers.map((one) => removalOf(one)),
      {
        settings: { ...DEFAULT_APPLY, tries: 6 },
        random: () => 0,
      },
    );
    const outcomes = await apply(request);
    expect(outcomes).toMatchObject([{ kind: "busy", tries: 6 }]);
    expect(outcomes.map(outcomeText)).toEqual([expect.stringContaining("is in starting state")]);
    expect(slept).toEqual([100, 200, 400, 800, 1_000]);
    expect(runtime.calls.map(({ method }) => method)).toEqual(
      Array.from({ length: 6 }, () => ["containerState", "removeContainer"]).flat(),
    );
  });

  test("go when they are free", async () => {
    const { runtime, containers } = runtimeWith(2);
    const [slow, free] = containers;
    if (slow === undefined || free === undefined) throw new Error("two containers");
    slow.starting = true;
    const { request } = requestOf(
      runtime,
      containers.map((one) => removalOf(one)),
      {
        sleep: async () => {
          slow.starting = false;
        },
      },
    );
    const outcomes = await apply(request);
    expect(kinds(outcomes)).toEqual(["removed", "removed"]);
    // The one that waits does not hold up the other.
    expect(outcomes.map(({ removal }) => removal.container.id)).toEqual([free.id, slow.id]);
  });

  test("stay when their start has come to an end meanwhile", async () => {
    const { runtime, containers } = runtimeWith(1);
    for (const one of containers) runtime.beginStart(one);
    const { request } = requestOf(
      runtime,
      containers.map((one) => removalOf(one)),
      {
        sleep: async () => containers.forEach((one) => runtime.endStart(one)),
      },
    );
    expect(await apply(request)).toMatchObject([{ kind: "kept", why: "state-changed" }]);
    expect(runtime.killed).toEqual([]);
  });

  test("are not waited for beyond the last try", async () => {
    const { runtime, containers } = runtimeWith(1);
    for (const one of containers) one.starting = true;
    const settings = { ...DEFAULT_APPLY, tries: 1 };
    const { request, slept } = requestOf(
      runtime,
      containers.map((one) => removalOf(one)),
      { settings },
    );
    expect(await apply(request)).toMatchObject([{ kind: "busy", tries: 1 }]);
    expect(slept).toEqual([]);
  });

  test("may say so by rejecting as well", async () => {
    const { runtime, containers } = runtimeWith(1);
    let said = 0;
    runtime.before = (call) => {
      if (call.method === "containerState" && said++ === 0) refuse("busy", "removing");
    };
    expect(
      kinds(
        await apply(
          requestOf(
            runtime,
            containers.map((one) => removalOf(one)),
          ).request,
        ),
      ),
    ).toEqual(["removed"]);
  });
});

describe("time and silence", () => {
  test("four at a time, no more", async () => {
    const { runtime, containers } = runtimeWith(20);
    let now = 0;
    let most = 0;
    runtime.before = async () => {
      now += 1;
      most = Math.max(most, now);
      await new Promise((resolve) => setImmediate(resolve));
      now -= 1;
    };
    const removals = containers.map((one) => removalOf(one));
    const settings = { ...DEFAULT_APPLY, callTimeoutMillis: 60_000 };
    await apply(requestOf(runtime, removals, { settings }).request);
    expect(most).toBe(4);
    expect(runtime.containers.size).toBe(0);
  });

  test("when the time is up the rest is left, and every one is told of once", async () => {
    const { runtime, containers } = runtimeWith(20);
    const whole = new AbortController();
    runtime.before = () => {
      if (runtime.removed.length >= 5) whole.abort();
    };
    const { request, told } = requestOf(
      runtime,
      containers.map((one) => removalOf(one)),
      {
        signal: whole.signal,
      },
    );
    const outcomes = await apply(request);
    const left = outcomes.filter((outcome) => outcome.kind === "left" && outcome.why === "no-time");
    expect(left.length).toBeGreaterThanOrEqual(8);
    expect(left.length + outcomes.filter(({ kind }) => kind === "removed").length).toBe(20);
    expect(new Set(told.map(({ removal }) => removal.container.id)).size).toBe(20);
    expect(told).toHaveLength(20);
  });

  test("a hanging runtime does not hold up the end", async () => {
    const { runtime, containers } = runtimeWith(8);
    runtime.before = () => new Promise(() => {});
    const { request } = requestOf(
      runtime,
      containers.map((one) => removalOf(one)),
      {
        signal: AbortSignal.timeout(20),
      },
    );
    expect(await apply(request)).toEqual(
      containers.map((one) => ({ kind: "left", why: "no-time", removal: removalOf(one) })),
    );
  });

  test("busy ones stay busy when the time is up while they wait", async () => {
    const { runtime, containers } = runtimeWith(1);
    for (const one of containers) one.starting = true;
    const whole = new AbortController();
    const { request } = requestOf(
      runtime,
      containers.map((one) => removalOf(one)),
      {
        signal: whole.signal,
        sleep: async () => whole.abort(),
      },
    );
    expect(await apply(request)).toMatchObject([{ kind: "left", why: "no-time" }]);
    expect(runtime.calls).toHaveLength(2);
  });

  test.each(["unavailable", "deadline"] as const)(
    "after four that fail as %s in a row the rest is left",
    async (kind) => {
      const { runtime, containers } = runtimeWith(10);
      runtime.before = () => refuse(kind);
      const settings = { ...DEFAULT_APPLY, workers: 1 };
      const { request } = requestOf(
        runtime,
        containers.map((one) => removalOf(one)),
        { settings },
      );
      const outcomes = await apply(request);
      expect(kinds(outcomes)).toEqual([...Array<string>(4).fill("failed"), ...Array<string>(6).fill("left")]);
      expect(outcomes[9]).toMatchObject({ why: "runtime-silent" });
      expect(runtime.calls).toHaveLength(4);
    },
  );

  test("failures that are answers do not count as silence", async () => {
    const { runtime, containers } = runtimeWith(10);
    runtime.before = () => refuse("other");
    const settings = { ...DEFAULT_APPLY, workers: 1 };
    const removals = containers.map((one) => removalOf(one));
    expect(kinds(await apply(requestOf(runtime, removals, { settings }).request))).toEqual(
      containers.map(() => "failed"),
    );
  });

  test("failures with answers between them do not count as silence", async () => {
    const { runtime, containers } = runtimeWith(12);
    let asked = 0;
    runtime.before = (call) => {
      if (call.method === "containerState" && ++asked % 4 !== 0) refuse("unavailable");
    };
    const settings = { ...DEFAULT_APPLY, workers: 1 };
    const outcomes = await apply(
      requestOf(
        runtime,
        containers.map((one) => removalOf(one)),
        { settings },
      ).request,
    );
    expect(kinds(outcomes).filter((kind) => kind === "removed")).toHaveLength(3);
    expect(kinds(outcomes)).not.toContain("left");
  });
});

import { describe, expect, test } from "vitest";
import { RuntimeError } from "../runtime/runtime.ts";
import { apply, DEFAULT_APPLY, type ApplyRequest } from "./apply.ts";
import type { Removal } from "./decide.ts";
import { WEB } from "./fixture.ts";
import { outcomeText, type Outcome } from "./outcome.ts";
import type { SandboxCondition } from "./observation.ts";
import type { Rule } from "./settings.ts";
import { FakeRuntime, type FakeContainer } from "./testing/fake-runtime.ts";

const NOW = 1_800_000_000_000_000_000n;

/** A runtime with so many created containers of one pod. */
function runtimeWith(count: number) {
  const runtime = new FakeRuntime(NOW);
  const sandboxID = runtime.runSandbox(WEB);
  const containers = Array.from({ length: count }, (_, index) => runtime.create(sandboxID, `c${index}`, 0));
  return { runtime, sandboxID, containers };
}

function removalOf(
  container: FakeContainer,
  part: { rule?: Rule; sandbox?: SandboxCondition; overtaken?: FakeContainer } = {},
): Removal {
  return {
    kind: "remove",
    rule: part.rule ?? "created-in-dead-sandbox",
    container: { ...container },
    sandbox: part.sandbox ?? "not-ready",
    sightings: { count: 2, spanMillis: 10_000 },
    overtaken: part.overtaken === undefined ? undefined : { ...part.overtaken },
  };
}

function requestOf(runtime: FakeRuntime, removals: readonly Removal[], part: Partial<ApplyRequest> = {}) {
  const slept: number[] = [];
  const told: Outcome[] = [];
  const request: ApplyRequest = {
    runtime,
    removals,
    settings: DEFAULT_APPLY,
    sleep: async (millis) => {
      slept.push(millis);
    },
    random: () => 1,
    monotonicMillis: () => 0,
    signal: new AbortController().signal,
    onOutcome: (outcome) => told.push(outcome),
    ...part,
  };
  return { request, slept, told };
}

const kinds = (outcomes: readonly Outcome[]) => outcomes.map(({ kind }) => kind);
const refuse = (kind: ConstructorParameters<typeof RuntimeError>[0], message = "no") => {
  throw new RuntimeError(kind, message);
};

describe("a removal", () => {
  test("reads the status, removes, and is told once", async () => {
    const { runtime, containers } = runtimeWith(1);
    const { request, told } = requestOf(runtime, containers.map((one) => removalOf(one)));
    const outcomes = await apply(request);
    expect(runtime.calls.map(({ method }) => method)).toEqual(["containerState", "removeContainer"]);
    expect(kinds(outcomes)).toEqual(["removed"]);
    expect(told).toEqual(outcomes);
    expect(runtime.containers.size).toBe(0);
  });

  test("of what is gone already needs nothing", async () => {
    const { runtime, containers } = runtimeWith(1);
    runtime.containers.clear();
    const { request } = requestOf(runtime, containers.map((one) => removalOf(one)));
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
    const { request } = requestOf(runtime, containers.map((one) => removalOf(one)));
    containers.forEach(change);
    expect(await apply(request)).toMatchObject([{ kind: "kept", why }]);
    expect(runtime.calls.map(({ method }) => method)).toEqual(["containerState"]);
  });

  test("that the runtime answers with not found is gone", async () => {
    const { runtime, containers } = runtimeWith(1);
    runtime.before = () => refuse("not-found");
    expect(kinds(await apply(requestOf(runtime, containers.map((one) => removalOf(one))).request))).toEqual(["gone"]);
  });

  test.each(["unavailable", "unimplemented", "nonsense", "other"] as const)(
    "that fails as %s says so and is not tried again",
    async (kind) => {
      for (const method of ["containerState", "removeContainer"]) {
        const { runtime, containers } = runtimeWith(1);
        runtime.before = (call) => {
          if (call.method === method) refuse(kind, "broken");
        };
        const { request, slept } = requestOf(runtime, containers.map((one) => removalOf(one)));
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
    const { request } = requestOf(runtime, containers.map((one) => removalOf(one)), { settings });
    expect(await apply(request)).toMatchObject([{ kind: "failed", failure: "deadline" }]);
  });
});

describe("busy containers", () => {
  test("are read again before every try, with growing, bounded, jittered delays", async () => {
    const { runtime, containers } = runtimeWith(1);
    for (const one of containers) one.starting = true;
    const { request, slept } = requestOf(runtime, containers.map((one) => removalOf(one)), {
      settings: { ...DEFAULT_APPLY, tries: 6 },
      random: () => 0,
    });
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
    const { request } = requestOf(runtime, containers.map((one) => removalOf(one)), {
      sleep: async () => {
        slow.starting = false;
      },
    });
    const outcomes = await apply(request);
    expect(kinds(outcomes)).toEqual(["removed", "removed"]);
    // The one that waits does not hold up the other.
    expect(outcomes.map(({ removal }) => removal.container.id)).toEqual([free.id, slow.id]);
  });

  test("stay when their start has come to an end meanwhile", async () => {
    const { runtime, containers } = runtimeWith(1);
    for (const one of containers) runtime.beginStart(one);
    const { request } = requestOf(runtime, containers.map((one) => removalOf(one)), {
      sleep: async () => containers.forEach((one) => runtime.endStart(one)),
    });
    expect(await apply(request)).toMatchObject([{ kind: "kept", why: "state-changed" }]);
    expect(runtime.killed).toEqual([]);
  });

  test("are not waited for beyond the last try", async () => {
    const { runtime, containers } = runtimeWith(1);
    for (const one of containers) one.starting = true;
    const settings = { ...DEFAULT_APPLY, tries: 1 };
    const { request, slept } = requestOf(runtime, containers.map((one) => removalOf(one)), { settings });
    expect(await apply(request)).toMatchObject([{ kind: "busy", tries: 1 }]);
    expect(slept).toEqual([]);
  });

  test("may say so by rejecting as well", async () => {
    const { runtime, containers } = runtimeWith(1);
    let said = 0;
    runtime.before = (call) => {
      if (call.method === "containerState" && said++ === 0) refuse("busy", "removing");
    };
    expect(kinds(await apply(requestOf(runtime, containers.map((one) => removalOf(one))).request))).toEqual([
      "removed",
    ]);
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
    await apply(requestOf(runtime, containers.map((one) => removalOf(one))).request);
    expect(most).toBe(4);
    expect(runtime.containers.size).toBe(0);
  });

  test("when the time is up the rest is left, and every one is told of once", async () => {
    const { runtime, containers } = runtimeWith(20);
    const whole = new AbortController();
    runtime.before = () => {
      if (runtime.removed.length >= 5) whole.abort();
    };
    const { request, told } = requestOf(runtime, containers.map((one) => removalOf(one)), {
      signal: whole.signal,
    });
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
    const { request } = requestOf(runtime, containers.map((one) => removalOf(one)), {
      signal: AbortSignal.timeout(20),
    });
    expect(await apply(request)).toEqual(
      containers.map((one) => ({ kind: "left", why: "no-time", removal: removalOf(one) })),
    );
  });

  test("busy ones stay busy when the time is up while they wait", async () => {
    const { runtime, containers } = runtimeWith(1);
    for (const one of containers) one.starting = true;
    const whole = new AbortController();
    const { request } = requestOf(runtime, containers.map((one) => removalOf(one)), {
      signal: whole.signal,
      sleep: async () => whole.abort(),
    });
    expect(await apply(request)).toMatchObject([{ kind: "left", why: "no-time" }]);
    expect(runtime.calls).toHaveLength(2);
  });

  test.each(["unavailable", "deadline"] as const)("after four that fail as %s in a row the rest is left", async (kind) => {
    const { runtime, containers } = runtimeWith(10);
    runtime.before = () => refuse(kind);
    const settings = { ...DEFAULT_APPLY, workers: 1 };
    const { request } = requestOf(runtime, containers.map((one) => removalOf(one)), { settings });
    const outcomes = await apply(request);
    expect(kinds(outcomes)).toEqual([...Array<string>(4).fill("failed"), ...Array<string>(6).fill("left")]);
    expect(outcomes[9]).toMatchObject({ why: "runtime-silent" });
    expect(runtime.calls).toHaveLength(4);
  });

  test("failures with answers between them do not count as silence", async () => {
    const { runtime, containers } = runtimeWith(12);
    let asked = 0;
    runtime.before = (call) => {
      if (call.method === "containerState" && ++asked % 4 !== 0) refuse("unavailable");
    };
    const settings = { ...DEFAULT_APPLY, workers: 1 };
    const outcomes = await apply(requestOf(runtime, containers.map((one) => removalOf(one)), { settings }).request);
    expect(kinds(outcomes).filter((kind) => kind === "removed")).toHaveLength(3);
    expect(kinds(outcomes)).not.toContain("left");
  });
});

describe("what rests on the order of dates", () => {
  const SECOND = 1_000_000_000n;
  /** EXITED app_0 from the future, CREATED app_1 in its dead sandbox (kubernetes#135762). */
  function inverted() {
    const runtime = new FakeRuntime(NOW);
    const sandboxID = runtime.runSandbox(WEB);
    const late = runtime.create(sandboxID, "app", 0, { state: "exited", createdAtNanos: NOW + 3_600n * SECOND });
    const proof = runtime.create(sandboxID, "app", 1);
    const removals = [
      removalOf(proof),
      removalOf(late, { rule: "clock-inverted", overtaken: proof }),
    ];
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
    expect(outcomes.map(({ removal, kind }) => `${removal.container.attempt} ${kind}`)).toEqual(["0 busy", "1 kept"]);
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
    expect(await apply(request)).toMatchObject([{ kind: "busy", message: "it is being started, or runs: it has a task" }]);
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
    const { request } = requestOf(runtime, containers.map((one) => removalOf(one, ready)), {
      hasTask: () => Promise.reject(new Error("EIO")),
    });
    expect(await apply(request)).toMatchObject([{ kind: "failed", failure: "other", message: "Error: EIO" }]);
    expect(runtime.containers.size).toBe(1);
  });
});

import { describe, expect, test } from "vitest";
import { WEB } from "./fixture.ts";
import { parseReservation } from "./reservation.ts";
import { syncContainer } from "./testing/fake-kubelet.ts";
import { FakeRuntime } from "./testing/fake-runtime.ts";
import { HOUR_NANOS, PassKit, readReport, WALL_NANOS } from "./testing/pass-kit.ts";

describe("kubelet goes on by itself after a pass (facts/node-observed.md 3)", () => {
  const sync = (runtime: FakeRuntime, highestLogged: number) =>
    syncContainer(runtime, WEB, "app", highestLogged);

  /** What a power cut leaves of one pod: states and dates of its attempts, in hours from now. */
  function leftovers(attempts: readonly (readonly ["created" | "exited", number])[]) {
    const runtime = new FakeRuntime(WALL_NANOS);
    const sandboxID = runtime.runSandbox(WEB);
    for (const [attempt, [state, hours]] of attempts.entries()) {
      const createdAtNanos = WALL_NANOS + BigInt(hours) * HOUR_NANOS;
      runtime.create(sandboxID, "app", attempt, { state, createdAtNanos });
    }
    runtime.reboot();
    return runtime;
  }

  test("CREATED app_0 of its true date never blocked it", () => {
    expect(sync(leftovers([["created", -1]]), -1)).toEqual({ kind: "started", attempt: 1 });
  });

  test.each([
    [
      "CREATED app_0 from the future, EXITED app_1",
      [
        ["created", 1],
        ["exited", -1],
      ],
      1,
    ],
    [
      "EXITED app_0 from the future, CREATED app_1 (kubernetes#135762)",
      [
        ["exited", 1],
        ["created", -1],
      ],
      0,
    ],
    [
      "two from the future",
      [
        ["exited", 2],
        ["exited", 1],
        ["exited", -1],
      ],
      2,
    ],
    [
      "a CREATED one among them",
      [
        ["created", 2],
        ["exited", 1],
        ["exited", -1],
      ],
      2,
    ],
  ] as const)("%s: stuck before, runs and stays after", async (_what, attempts, highestLogged) => {
    const stuck = leftovers(attempts);
    expect(sync(stuck, highestLogged)).toMatchObject({ kind: "reserved" });
    expect(sync(stuck, highestLogged)).toMatchObject({ kind: "reserved" });

    const healed = leftovers(attempts);
    await new PassKit().pass("boot", [healed]);
    expect(sync(healed, highestLogged)).toMatchObject({ kind: "started" });
    // Read as the newest from now on: kubelet does not try to make it once more beside the running one.
    expect(sync(healed, highestLogged)).toEqual({ kind: "runs" });
    expect(healed.killed).toEqual([]);
  });

  test("with an empty status file in the sequence, the date comes from the status", async () => {
    const runtime = leftovers([
      ["exited", 1],
      ["exited", -1],
    ]);
    for (const one of runtime.containers.values()) one.dateLost = true;
    expect(sync(runtime, 1)).toMatchObject({ kind: "reserved" });
    await new PassKit().pass("boot", [runtime]);
    expect(sync(runtime, 1)).toEqual({ kind: "started", attempt: 2 });
    expect(sync(runtime, 1)).toEqual({ kind: "runs" });
  });

  test("at shutdown no date is asked for, and no ended container goes", async () => {
    const runtime = leftovers([
      ["exited", 1],
      ["exited", -1],
    ]);
    for (const one of runtime.containers.values()) one.dateLost = true;
    await new PassKit().pass("shutdown", [runtime]);
    expect(runtime.calls.map(({ method }) => method)).toEqual(["listContainers", "listSandboxes"]);
    expect(runtime.removed).toEqual([]);
  });

  test("a leftover in a new READY sandbox blocks until it was seen for ten seconds", async () => {
    const runtime = leftovers([["exited", -1]]);
    const sandboxID = runtime.runSandbox(WEB, 1);
    runtime.create(sandboxID, "app", 1, { createdAtNanos: WALL_NANOS - 2n * HOUR_NANOS });
    const kit = new PassKit();
    expect(sync(runtime, 0)).toMatchObject({ kind: "reserved", attempt: 1 });
    await kit.pass("boot", [runtime]);
    kit.nowMillis += 10_000;
    await kit.pass("boot", [runtime]);
    expect(sync(runtime, 0)).toMatchObject({ kind: "started", attempt: 1 });
  });

  test("an in-flight create is left alone, and its orphan goes when it appears", async () => {
    const runtime = leftovers([]);
    const hung = runtime.create(runtime.runSandbox(WEB, 1), "app", 0, { inFlight: true });
    const refused = sync(runtime, -1);
    expect(refused.kind === "reserved" ? parseReservation(refused.message)?.holderID : refused).toBe(hung.id);
    const kit = new PassKit();
    const target = {
      key: "fake",
      runtime,
      suspectedCreates: async () => [hung.id],
      hasTask: async () => false,
    };
    expect(readReport(await kit.pass("boot", [target])).unlisted).toEqual([hung.id]);
    expect(runtime.calls.map(({ method }) => method)).toEqual(["listContainers", "listSandboxes"]);
    hung.inFlight = false;
    expect(readReport(await kit.pass("boot", [target])).unlisted).toEqual([]);
    kit.nowMillis += 10_000;
    await kit.pass("boot", [target]);
    expect(runtime.removed).toEqual([hung.id]);
  });
});

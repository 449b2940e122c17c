/** Where a start may come in between, with a runtime that kills what it removes, as containerd does. */
import { describe, expect, test } from "vitest";
import { UNSEEN_START_MILLIS } from "./decide.ts";
import { WEB } from "./fixture.ts";
import { FakeRuntime, type Call } from "./testing/fake-runtime.ts";
import { PassKit, WALL_NANOS } from "./testing/pass-kit.ts";

const CALLS = ["listContainers", "listSandboxes", "containerState", "removeContainer"] as const;

/**
 * A container seen CREATED once, then a pass in which `event` happens right before that call. Where nothing shows a
 * start, that pass comes when kubelet has long given it up.
 */
async function raceAt(
  method: Call["method"],
  event: "begin-start" | "end-start" | "whole-start",
  guarded: boolean,
) {
  const runtime = new FakeRuntime(WALL_NANOS);
  const container = runtime.create(runtime.runSandbox(WEB), "app", 0);
  const kit = new PassKit();
  await kit.pass("boot", [runtime]);
  kit.nowMillis += guarded ? 10_000 : UNSEEN_START_MILLIS;
  if (event === "end-start") runtime.beginStart(container);
  runtime.calls.length = 0;
  let once = true;
  runtime.before = (call) => {
    if (call.method !== method || !once) return;
    once = false;
    if (event !== "end-start") runtime.beginStart(container);
    if (event !== "begin-start") runtime.endStart(container);
  };
  // As the state directory tells it: a task is there from the begin of a start on.
  const hasTask = async () => container.starting || container.state === "running";
  await kit.pass("boot", [{ key: runtime.label, runtime, hasTask: guarded ? hasTask : undefined }]);
  return { killed: runtime.killed.length, exists: runtime.containers.has(container.id), lines: kit.lines };
}

describe("a container in a READY sandbox", () => {
  test("that nobody starts is removed, so that the races below are real", async () => {
    const runtime = new FakeRuntime(WALL_NANOS);
    runtime.create(runtime.runSandbox(WEB), "app", 0);
    const kit = new PassKit();
    await kit.pass("boot", [runtime]);
    expect(runtime.containers.size).toBe(1);
    kit.nowMillis += 10_000;
    await kit.pass("boot", [runtime]);
    expect(runtime.containers.size).toBe(0);
    expect(runtime.calls.map(({ method }) => method)).toEqual(["listContainers", "listSandboxes", ...CALLS]);
  });

  test.each(CALLS)("whose start begins right before %s survives", async (method) => {
    for (const guarded of [false, true]) {
      const { killed, exists } = await raceAt(method, "begin-start", guarded);
      expect({ killed, exists }).toEqual({ killed: 0, exists: true });
    }
  });

  test.each(CALLS.slice(0, 3))("that comes to run right before %s survives", async (method) => {
    for (const event of ["end-start", "whole-start"] as const) {
      for (const guarded of [false, true]) {
        const { killed, exists } = await raceAt(method, event, guarded);
        expect({ killed, exists }).toEqual({ killed: 0, exists: true });
      }
    }
  });

  test("is killed only if its start ends between the status and the removal, and nothing else shows the start", async () => {
    const { killed } = await raceAt("removeContainer", "end-start", false);
    expect(killed).toBe(1);
  });

  test.each([
    ["a runtime that shows no start and kills what it removes", false, 0],
    ["one that refuses to remove what runs", true, 1],
  ])("is left to %s until no start can be under way", async (_what, refusesRunning, removedEarly) => {
    const runtime = new FakeRuntime(WALL_NANOS);
    runtime.refusesRunning = refusesRunning;
    const { id } = runtime.create(runtime.runSandbox(WEB), "app", 0);
    const kit = new PassKit();
    const target = { key: "crio", runtime };
    for (const atMillis of [0, 10_000, UNSEEN_START_MILLIS - 1]) {
      kit.nowMillis = 1_000 + atMillis;
      await kit.pass("boot", [target], { kubeletStopped: true });
    }
    expect(runtime.removed).toHaveLength(removedEarly);
    kit.nowMillis += 1;
    await kit.pass("steady", [target]);
    expect(runtime.removed).toEqual([id]);
  });

  test("survives that too where the state directory shows the start", async () => {
    const { killed, exists } = await raceAt("removeContainer", "end-start", true);
    expect({ killed, exists }).toEqual({ killed: 0, exists: true });
  });

  test("is then killed only if a whole start fits in between, which takes 50 ms and more", async () => {
    const { killed } = await raceAt("removeContainer", "whole-start", true);
    expect(killed).toBe(1);
  });
});

test("what stands in a dead sandbox can't be started at any moment", async () => {
  for (const method of CALLS) {
    const runtime = new FakeRuntime(WALL_NANOS);
    const container = runtime.create(runtime.runSandbox(WEB), "app", 0);
    runtime.reboot();
    const refusals: unknown[] = [];
    runtime.before = (call) => {
      if (call.method !== method) return;
      try {
        runtime.beginStart(container);
      } catch (refusal) {
        refusals.push(refusal);
      }
    };
    await new PassKit().pass("boot", [runtime]);
    expect(refusals.map(String)).toEqual([expect.stringContaining("is not running")]);
    expect(runtime.killed).toEqual([]);
  }
});

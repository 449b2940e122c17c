import { describe, expect, test } from "vitest";
import { RuntimeError } from "../runtime/runtime.ts";
import { announce, eventsOf, MOST_EVENTS, type AgentEvent } from "./announce.ts";
import { Diagnoses } from "./diagnose.ts";
import { WEB } from "./fixture.ts";
import type { PassTarget } from "./pass-request.ts";
import { DEFAULT_SETTINGS } from "./settings.ts";
import { FakeRuntime } from "./testing/fake-runtime.ts";
import { HOUR_NANOS, PassKit, WALL_NANOS } from "./testing/pass-kit.ts";

const ID = "f".repeat(64);
const FULL = {
  path: "/var/lib/containerd",
  freeBytes: 1,
  totalBytes: 1e12,
  freeInodes: 1e6,
  totalInodes: 1e6,
};
const ROOMY = { ...FULL, freeBytes: 1e11 };

function kitWith(target: PassTarget) {
  const kit = new PassKit();
  const diagnoses = new Diagnoses();
  const pass = async (disks = [ROOMY]) => {
    const report = await kit.pass("steady", [target]);
    const { begun, ended } = diagnoses.update(report, disks, kit.nowMillis);
    return { begun: begun.map(({ kind }) => kind), ended: ended.map(({ kind }) => kind) };
  };
  return { kit, diagnoses, pass };
}

const quiet = { begun: [], ended: [] };

describe("diagnoses over passes", () => {
  test("of a healthy node are none", async () => {
    const { diagnoses, pass } = kitWith({ key: "/run/fake.sock", runtime: new FakeRuntime(WALL_NANOS) });
    expect(await pass()).toEqual(quiet);
    expect(diagnoses.standing()).toEqual([]);
  });

  test("name a hung create once, until it is gone", async () => {
    let made = [ID];
    const runtime = new FakeRuntime(WALL_NANOS);
    const { kit, diagnoses, pass } = kitWith({
      key: "/run/fake.sock",
      runtime,
      suspectedCreates: async () => made,
    });
    expect(await pass()).toEqual(quiet);
    kit.nowMillis += 30_000;
    expect(await pass()).toEqual({ begun: ["create-in-flight"], ended: [] });
    kit.nowMillis += 30_000;
    expect(await pass()).toEqual(quiet);
    expect(diagnoses.standing()).toMatchObject([
      { sinceMillis: 31_000, finding: { kind: "create-in-flight" } },
    ]);
    made = [];
    expect(await pass()).toEqual({ begun: [], ended: ["create-in-flight"] });
    expect(runtime.removed).toEqual([]);
  });

  test("name a runtime that is refused, and end nothing else meanwhile", async () => {
    const runtime = new FakeRuntime(WALL_NANOS);
    runtime.create(runtime.runSandbox(WEB), "app", 0, {
      state: "exited",
      createdAtNanos: WALL_NANOS + HOUR_NANOS,
    });
    const { kit, diagnoses, pass } = kitWith({ key: "/run/fake.sock", runtime });
    expect(await pass()).toEqual({ begun: ["clock-in-future"], ended: [] });
    runtime.before = () => {
      throw new RuntimeError("unavailable", "connect ECONNREFUSED");
    };
    expect(await pass()).toEqual(quiet);
    kit.nowMillis += 60_000;
    expect(await pass()).toEqual({ begun: ["runtime-down"], ended: [] });
    expect(diagnoses.standing().map(({ finding }) => finding.kind)).toEqual([
      "clock-in-future",
      "runtime-down",
    ]);
    runtime.before = () => {};
    kit.wallNanos += HOUR_NANOS;
    expect(await pass()).toEqual({ begun: [], ended: ["runtime-down", "clock-in-future"] });
  });

  test("keep a hung create standing over a pass that did not look for it", async () => {
    const runtime = new FakeRuntime(WALL_NANOS);
    const suspectedCreates = async () => [ID];
    const target = { key: "/run/fake.sock", runtime };
    const kit = new PassKit();
    const diagnoses = new Diagnoses();
    const looks = [[{ ...target, suspectedCreates }], [target], [{ ...target, suspectedCreates }], [target]];
    const said = [];
    for (const targets of looks) {
      const { begun, ended } = diagnoses.update(await kit.pass("boot", targets), [], kit.nowMillis);
      said.push([begun.length, ended.length]);
      kit.nowMillis += 15_000;
    }
    expect(said).toEqual([
      [0, 0],
      [0, 0],
      [1, 0],
      [0, 0],
    ]);
    expect(diagnoses.standing()).toHaveLength(1);
  });

  test("keep watching a hung create over a pass that could not read", async () => {
    const runtime = new FakeRuntime(WALL_NANOS);
    const { kit, pass } = kitWith({ key: "/run/fake.sock", runtime, suspectedCreates: async () => [ID] });
    await pass();
    runtime.before = () => {
      throw new RuntimeError("other", "not now");
    };
    kit.nowMillis += 15_000;
    await pass();
    runtime.before = () => {};
    kit.nowMillis += 15_000;
    expect(await pass()).toEqual({ begun: ["create-in-flight"], ended: [] });
  });

  test("name a full disk by its figures, and by the runtime's words on a removal or a list", async () => {
    const runtime = new FakeRuntime(WALL_NANOS);
    runtime.create(runtime.runSandbox(WEB), "app", 0);
    runtime.reboot();
    const { diagnoses, pass } = kitWith({ key: "/run/fake.sock", runtime });
    runtime.before = ({ method }) => {
      if (method === "removeContainer")
        throw new RuntimeError("other", "write meta.db: no space left on device");
    };
    expect(await pass([FULL])).toEqual({ begun: ["disk-full", "disk-full"], ended: [] });
    expect(diagnoses.standing().map(({ finding }) => finding.subject)).toEqual([FULL.path, "/run/fake.sock"]);
    runtime.before = () => {
      throw new RuntimeError("other", "read-only file system");
    };
    // That it says nothing of a full disk now proves nothing.
    expect(await pass([FULL])).toEqual({ begun: ["disk-read-only"], ended: [] });
    runtime.before = () => {};
    expect(await pass()).toEqual({ begun: [], ended: ["disk-full", "disk-full", "disk-read-only"] });
  });

  test("forget a runtime that is no longer given", async () => {
    const runtime = new FakeRuntime(WALL_NANOS);
    runtime.create(runtime.runSandbox(WEB), "app", 0, { createdAtNanos: WALL_NANOS + HOUR_NANOS });
    const kit = new PassKit();
    const diagnoses = new Diagnoses();
    diagnoses.update(await kit.pass("steady", [runtime]), [], 0);
    expect(diagnoses.standing()).toHaveLength(1);
    diagnoses.update(await kit.pass("steady", []), [], 1);
    expect(diagnoses.standing()).toEqual([]);
  });

  test("a pass that is switched off is no news", async () => {
    const kit = new PassKit();
    const diagnoses = new Diagnoses();
    diagnoses.update(await kit.pass("steady", []), [FULL], 0);
    const settings = { ...DEFAULT_SETTINGS, modes: { ...DEFAULT_SETTINGS.modes, steady: "off" } } as const;
    const off = await kit.pass("steady", [], { settings });
    expect(diagnoses.update(off, [ROOMY], 1)).toEqual(quiet);
    expect(diagnoses.standing()).toHaveLength(1);
  });
});

describe("Events", () => {
  async function passWith(count: number, busy = 0) {
    const runtime = new FakeRuntime(WALL_NANOS);
    const sandboxID = runtime.runSandbox(WEB);
    const made = Array.from({ length: count }, (_, index) => runtime.create(sandboxID, `c${index}`, 0));
    runtime.reboot();
    for (const container of made.slice(0, busy)) container.starting = true;
    return new PassKit().pass("boot", [runtime]);
  }

  test("tell each removal, each failure, and what was diagnosed", async () => {
    const finding = { kind: "disk-full", subject: "/a", seen: "0 MiB", remedy: "free space" } as const;
    const events = eventsOf(await passWith(2, 1), [finding]);
    expect(events.map(({ type, reason }) => `${type} ${reason}`)).toEqual([
      "Warning ContainersDiagnosis",
      "Normal StuckContainerRemoved",
      "Warning StuckContainerLeft",
    ]);
    expect(events[0]?.message).toBe("/a: 0 MiB; free space");
    expect(events[1]?.message).toMatch(
      /^removed default\/web c1 attempt 0 \(0{11}3\): created but never started/,
    );
    expect(events[2]?.message).toMatch(
      /is stuck \(created .*\), but was not removed: busy at the last of 5 tries/,
    );
  });

  test("of nothing are none", async () => {
    expect(eventsOf(await passWith(0), [])).toEqual([]);
    const kit = new PassKit();
    const unread = new FakeRuntime(WALL_NANOS);
    unread.before = () => {
      throw new RuntimeError("other", "no");
    };
    expect(eventsOf(await kit.pass("boot", [unread]), [])).toEqual([]);
  });

  test("of a removal that is only reported are none", async () => {
    const runtime = new FakeRuntime(WALL_NANOS);
    runtime.create(runtime.runSandbox(WEB), "app", 0);
    runtime.reboot();
    const settings = { ...DEFAULT_SETTINGS, modes: { ...DEFAULT_SETTINGS.modes, boot: "report" } } as const;
    expect(eventsOf(await new PassKit().pass("boot", [runtime], { settings }), [])).toEqual([]);
  });

  test("are ten at the most, the last one with the number of all", async () => {
    const ten = eventsOf(await passWith(10), []);
    expect(ten.map(({ message }) => message.slice(0, 16))).toEqual(ten.map(() => "removed default/"));
    expect(ten).toHaveLength(MOST_EVENTS);
    const events = eventsOf(await passWith(500), []);
    expect(events).toHaveLength(MOST_EVENTS);
    expect(events.at(-1)?.message).toBe("removed 500 stuck containers in all; the agent's log names each");
  });

  const event = (message: string): AgentEvent => ({
    type: "Normal",
    reason: "StuckContainerRemoved",
    message,
  });

  test("are posted in order, and counted", async () => {
    const posted: string[] = [];
    const results: string[] = [];
    const post = async ({ message }: AgentEvent) => posted.push(message);
    const ports = { post, onResult: (result: string) => results.push(result) };
    await announce([event("a"), event("b")], ports, new AbortController().signal);
    expect({ posted, results }).toEqual({ posted: ["a", "b"], results: ["posted", "posted"] });
  });

  test("that can't be posted are counted and hold up nothing: the first failure drops the rest", async () => {
    const results: unknown[] = [];
    const post = () => Promise.reject(new Error("ECONNREFUSED"));
    const onResult = (result: string, cause?: unknown) => results.push([result, String(cause)]);
    await announce([event("a"), event("b"), event("c")], { post, onResult }, new AbortController().signal);
    expect(results).toEqual([
      ["failed", "Error: ECONNREFUSED"],
      ["dropped", "undefined"],
      ["dropped", "undefined"],
    ]);
  });

  test("are dropped when the time is up", async () => {
    const results: string[] = [];
    const post = () => Promise.reject(new Error("posted"));
    await announce([event("a")], { post, onResult: (result) => results.push(result) }, AbortSignal.abort());
    expect(results).toEqual(["dropped"]);
  });
});

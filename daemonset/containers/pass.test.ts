import { describe, expect, test } from "vitest";
import { RuntimeError, type PodLabels } from "../runtime/runtime.ts";
import { WEB } from "./fixture.ts";
import { MOST_KEPT_EXAMPLES, MOST_REMOVALS } from "./report.ts";
import { reportText } from "./report-text.ts";
import { parseReservation } from "./reservation.ts";
import { DEFAULT_SETTINGS, type Mode, type Phase } from "./settings.ts";
import { syncContainer } from "./testing/fake-kubelet.ts";
import { FakeRuntime } from "./testing/fake-runtime.ts";
import { HOUR_NANOS, PassKit, readReport, WALL_NANOS } from "./testing/pass-kit.ts";

const podNamed = (name: string): PodLabels => ({ uid: `uid-${name}`, namespace: "default", name });

/** A node after a power cut: 3 healthy pods, one leftover each of what goes and of what stays. */
function afterPowerCut() {
  const runtime = new FakeRuntime(WALL_NANOS);
  for (const name of ["a", "b", "c"]) {
    const one = runtime.create(runtime.runSandbox(podNamed(name)), "app", 0);
    runtime.beginStart(one);
    runtime.endStart(one);
  }
  const left = runtime.create(runtime.runSandbox(podNamed("left")), "app", 0);
  const lost = runtime.create(runtime.runSandbox(podNamed("lost")), "app", 0, { state: "unknown", dateLost: true });
  runtime.reboot();
  return { runtime, left, lost };
}

const modes = (mode: Mode) => ({
  ...DEFAULT_SETTINGS,
  modes: { boot: mode, steady: mode, shutdown: mode },
});

describe("a pass", () => {
  test("removes what is stuck, keeps the rest, and says both as data", async () => {
    const { runtime, left, lost } = afterPowerCut();
    const kit = new PassKit();
    const report = await kit.pass("boot", [runtime]);
    expect(runtime.removed.toSorted()).toEqual([left.id, lost.id].toSorted());
    expect(runtime.killed).toEqual([]);
    expect(readReport(report)).toMatchObject({
      containers: 5,
      sandboxes: 5,
      kept: { ended: 3 },
      keptExamples: [],
      outcomes: { removed: 2 },
      removals: [
        { id: left.id, rule: "created-in-dead-sandbox", outcome: "removed" },
        { id: lost.id, rule: "unknown-in-dead-sandbox", outcome: "removed" },
      ],
    });
    expect(JSON.stringify(JSON.parse(JSON.stringify(report)))).toBe(JSON.stringify(report));
  });

  test("writes one line and counts once for each removal", async () => {
    const { runtime, left } = afterPowerCut();
    const kit = new PassKit();
    await kit.pass("boot", [runtime]);
    expect(kit.lines.map(({ message }) => message)).toEqual(["stuck container", "stuck container"]);
    expect(kit.lines[0]).toEqual({
      level: "info",
      message: "stuck container",
      fields: {
        phase: "boot",
        runtime: "fake at /run/fake.sock",
        outcome: "removed",
        rule: "created-in-dead-sandbox",
        reason: "created but never started, in a sandbox that has ended: it can't be started any more",
        result: "removed in 0 ms",
        containerID: left.id,
        namespace: "default",
        pod: "left",
        podUID: "uid-left",
        container: "app",
        attempt: 0,
      },
    });
    expect(kit.settled).toEqual([
      "boot created-in-dead-sandbox removed",
      "boot unknown-in-dead-sandbox removed",
    ]);
    expect(kit.passed).toEqual(["boot read"]);
    expect(kit.keptCounts).toEqual({ ended: 3 });
  });

  test("twice in a row does nothing the second time", async () => {
    const { runtime } = afterPowerCut();
    const kit = new PassKit();
    await kit.pass("boot", [runtime]);
    const after = [...runtime.containers.keys()];
    const report = await kit.pass("boot", [runtime]);
    expect([...runtime.containers.keys()]).toEqual(after);
    expect(readReport(report).outcomes).toEqual({});
  });

  test("without its own pod known removes nothing, and says so", async () => {
    const { runtime } = afterPowerCut();
    const kit = new PassKit();
    kit.own = { kind: "unknown" };
    const report = readReport(await kit.pass("boot", [runtime]));
    expect(runtime.containers.size).toBe(5);
    expect(report.kept).toEqual({ "own-pod-unknown": 5 });
    expect(report.keptExamples[0]?.reason).toContain("nothing is removed");
  });

  test("in mode report touches nothing and says what it would do", async () => {
    for (const phase of ["boot", "steady", "shutdown"] as const satisfies readonly Phase[]) {
      const { runtime } = afterPowerCut();
      const kit = new PassKit();
      const report = await kit.pass(phase, [runtime], { settings: modes("report") });
      expect(runtime.calls.map(({ method }) => method)).toEqual(["listContainers", "listSandboxes"]);
      expect(readReport(report).outcomes["would-remove"]).toBeGreaterThanOrEqual(1);
      expect(kit.settled[0]).toBe(`${phase} created-in-dead-sandbox would-remove`);
    }
  });

  test("in mode off does not even look", async () => {
    const { runtime } = afterPowerCut();
    const report = await new PassKit().pass("steady", [runtime], { settings: modes("off") });
    expect(runtime.calls).toEqual([]);
    expect(report).toMatchObject({ mode: "off", runtimes: [] });
  });

  test("takes its mode from its own phase", async () => {
    const { runtime } = afterPowerCut();
    const settings = { ...DEFAULT_SETTINGS, modes: { boot: "off", steady: "report", shutdown: "on" } } as const;
    const kit = new PassKit();
    await kit.pass("boot", [runtime], { settings });
    expect(runtime.calls).toHaveLength(0);
    await kit.pass("steady", [runtime], { settings });
    expect(runtime.removed).toHaveLength(0);
    await kit.pass("shutdown", [runtime], { settings });
    expect(runtime.removed).toHaveLength(2);
  });
});

describe("several runtimes", () => {
  test("with the same IDs do not lend each other sightings", async () => {
    const [one, other] = ["one", "other"].map((label) => {
      const runtime = new FakeRuntime(WALL_NANOS, label);
      runtime.create(runtime.runSandbox(WEB), "app", 0);
      return runtime;
    });
    if (one === undefined || other === undefined) throw new Error("two runtimes");
    const kit = new PassKit();
    await kit.pass("boot", [one]);
    kit.nowMillis += 10_000;
    await kit.pass("boot", [other]);
    expect(other.removed).toEqual([]);
    kit.nowMillis += 10_000;
    await kit.pass("boot", [one, other]);
    // The first was not given in between, so it starts anew; the second has been seen twice.
    expect([one.removed.length, other.removed.length]).toEqual([0, 1]);
  });

  test("are known by their key: a label that changes between two looks loses nothing", async () => {
    let name = "container runtime";
    const runtime = new (class extends FakeRuntime {
      override get label() {
        return `${name} at /run/fake.sock`;
      }
    })(WALL_NANOS);
    runtime.create(runtime.runSandbox(WEB), "app", 0);
    const kit = new PassKit();
    await kit.pass("boot", [{ key: "/run/fake.sock", runtime }]);
    name = "containerd";
    kit.nowMillis += 10_000;
    const report = await kit.pass("boot", [{ key: "/run/fake.sock", runtime }]);
    expect(readReport(report)).toMatchObject({ label: "containerd at /run/fake.sock", outcomes: { removed: 1 } });
  });

  test("of which one hangs: the other is done, and the pass ends in time", async () => {
    const { runtime } = afterPowerCut();
    const hanging = new FakeRuntime(WALL_NANOS, "hanging");
    hanging.before = () => new Promise(() => {});
    const kit = new PassKit();
    const report = await kit.pass("boot", [hanging, runtime], { listTimeoutMillis: 20 });
    expect(runtime.removed).toHaveLength(2);
    expect(report.runtimes[0]).toEqual({
      kind: "unread",
      key: "hanging",
      label: "hanging",
      failure: "deadline",
      message: "hanging: list containers: no answer within 20 ms",
    });
    expect(kit.passed.toSorted()).toEqual(["boot read", "boot unread"]);
    expect(kit.lines.filter(({ level }) => level === "warn")).toMatchObject([{ message: "runtime not read" }]);
  });

  test("none at all is a report as well", async () => {
    const report = await new PassKit().pass("boot", []);
    expect(reportText(report)).toEqual([
      "containers, boot pass at 2027-01-15T08:00:00.000Z, 0 ms: no container runtime was found",
    ]);
  });
});

describe("a runtime that fails in between", () => {
  test("keeps what was seen before: two sightings need no third look between them", async () => {
    const runtime = new FakeRuntime(WALL_NANOS);
    runtime.create(runtime.runSandbox(WEB), "app", 0);
    const kit = new PassKit();
    await kit.pass("boot", [runtime]);
    runtime.before = () => {
      throw new RuntimeError("unavailable", "refused");
    };
    await kit.pass("boot", [runtime]);
    runtime.before = () => {};
    kit.nowMillis += 10_000;
    await kit.pass("boot", [runtime]);
    expect(runtime.removed).toHaveLength(1);
  });

  test("that throws what no runtime should is unread, not fatal", async () => {
    const runtime = new FakeRuntime(WALL_NANOS);
    runtime.before = () => {
      throw new TypeError("bug");
    };
    const report = await new PassKit().pass("boot", [runtime]);
    expect(report.runtimes).toMatchObject([{ kind: "unread", failure: "other", message: "bug" }]);
  });

  test("when the time is up before it begins, nothing is asked", async () => {
    const { runtime } = afterPowerCut();
    const report = await new PassKit().pass("boot", [runtime], { signal: AbortSignal.abort() });
    expect(runtime.calls).toEqual([]);
    expect(report.runtimes).toMatchObject([{ kind: "unread", failure: "deadline" }]);
  });
});

describe("kubelet goes on by itself after a pass (facts/node-observed.md 3)", () => {
  const sync = (runtime: FakeRuntime, highestLogged: number) => syncContainer(runtime, WEB, "app", highestLogged);

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
    ["CREATED app_0 from the future, EXITED app_1", [["created", 1], ["exited", -1]], 1],
    ["EXITED app_0 from the future, CREATED app_1 (kubernetes#135762)", [["exited", 1], ["created", -1]], 0],
    ["two from the future", [["exited", 2], ["exited", 1], ["exited", -1]], 2],
    ["a CREATED one among them", [["created", 2], ["exited", 1], ["exited", -1]], 2],
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
    const runtime = leftovers([["exited", 1], ["exited", -1]]);
    for (const one of runtime.containers.values()) one.dateLost = true;
    expect(sync(runtime, 1)).toMatchObject({ kind: "reserved" });
    await new PassKit().pass("boot", [runtime]);
    expect(sync(runtime, 1)).toEqual({ kind: "started", attempt: 2 });
    expect(sync(runtime, 1)).toEqual({ kind: "runs" });
  });

  test("at shutdown no date is asked for, and no ended container goes", async () => {
    const runtime = leftovers([["exited", 1], ["exited", -1]]);
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
    const target = { key: "fake", runtime, suspectedCreates: async () => [hung.id] };
    expect(readReport(await kit.pass("boot", [target])).unlisted).toEqual([hung.id]);
    expect(runtime.calls.map(({ method }) => method)).toEqual(["listContainers", "listSandboxes"]);
    hung.inFlight = false;
    expect(readReport(await kit.pass("boot", [target])).unlisted).toEqual([]);
    kit.nowMillis += 10_000;
    await kit.pass("boot", [target]);
    expect(runtime.removed).toEqual([hung.id]);
  });
});

describe("creates under way", () => {
  test("are asked for before the lists, or what is made in between would look hung", async () => {
    const { runtime } = afterPowerCut();
    const order: string[] = [];
    runtime.before = ({ method }) => void order.push(method);
    const suspectedCreates = async () => {
      order.push("suspectedCreates");
      return [];
    };
    await new PassKit().pass("boot", [{ key: "fake", runtime, suspectedCreates }]);
    expect(order.slice(0, 3)).toEqual(["suspectedCreates", "listContainers", "listSandboxes"]);
  });

  test("that can't be asked for do not stop the pass", async () => {
    const { runtime } = afterPowerCut();
    const kit = new PassKit();
    const suspectedCreates = () => Promise.reject(new Error("EACCES"));
    await kit.pass("boot", [{ key: "fake", runtime, suspectedCreates }]);
    expect(runtime.removed).toHaveLength(2);
    expect(kit.lines[0]).toMatchObject({ level: "warn", message: "creates under way not read" });
  });
});

describe("the report", () => {
  test("is bounded, whatever the node holds", async () => {
    const runtime = new FakeRuntime(WALL_NANOS);
    const sandboxID = runtime.runSandbox(WEB);
    const ready = runtime.runSandbox(podNamed("ready"));
    for (let index = 0; index < 3_000; index++) {
      runtime.create(sandboxID, `dead-${index}`, 0);
      runtime.create(ready, `young-${index}`, 0);
    }
    const dead = runtime.sandboxes.get(sandboxID);
    if (dead !== undefined) dead.state = "not-ready";
    const report = await new PassKit().pass("boot", [runtime]);
    const read = readReport(report);
    expect(read.outcomes).toEqual({ removed: 3_000 });
    expect(read.kept).toEqual({ "seen-too-briefly": 3_000 });
    expect(read.removals).toHaveLength(MOST_REMOVALS);
    expect(read.keptExamples).toHaveLength(MOST_KEPT_EXAMPLES);
    expect(JSON.stringify(report).length).toBeLessThan(32_000);
    const text = reportText(report);
    expect(text).toHaveLength(4 + MOST_REMOVALS + 1 + MOST_KEPT_EXAMPLES);
    expect(text).toContain("    - and 2950 more, all of them in the log");
  });

  test("reads as words", async () => {
    const { runtime, left } = afterPowerCut();
    runtime.create(runtime.runSandbox(podNamed("young")), "app", 0);
    const broken = new FakeRuntime(WALL_NANOS, "broken");
    broken.before = () => {
      throw new RuntimeError("unavailable", "broken: connection refused");
    };
    const text = reportText(await new PassKit().pass("boot", [runtime, broken]));
    expect(text).toEqual([
      "containers, boot pass at 2027-01-15T08:00:00.000Z, 0 ms",
      "  fake at /run/fake.sock: 6 containers in 6 sandboxes",
      "    decided to keep: 3 ended, 1 seen-too-briefly",
      "    decided to remove: 2 removed",
      `    - default/left app attempt 0 (${left.id.slice(0, 12)}): removed in 0 ms: ` +
        "created but never started, in a sandbox that has ended: it can't be started any more",
      expect.stringContaining("default/lost app attempt 0"),
      expect.stringContaining("default/young app attempt 0"),
      "  broken: could not be read: broken: connection refused",
    ]);
    const reporting = await new PassKit().pass("boot", [runtime], { settings: modes("report") });
    expect(reportText(reporting)[0]).toContain("(report only, nothing is removed)");
    const off = await new PassKit().pass("boot", [runtime], { settings: modes("off") });
    expect(reportText(off)).toEqual(["containers, boot pass: switched off"]);
  });

  test("cuts a runtime's long words", async () => {
    const runtime = new FakeRuntime(WALL_NANOS);
    runtime.before = () => {
      throw new RuntimeError("other", "x".repeat(10_000));
    };
    const report = await new PassKit().pass("boot", [runtime]);
    expect(JSON.stringify(report).length).toBeLessThan(1_000);
  });
});

import { describe, expect, test } from "vitest";
import { RuntimeError } from "../runtime/runtime.ts";
import { WEB } from "./fixture.ts";
import { reportText } from "./report-text.ts";
import { DEFAULT_SETTINGS, type Phase } from "./settings.ts";
import { FakeRuntime } from "./testing/fake-runtime.ts";
import { PassKit, readReport, WALL_NANOS } from "./testing/pass-kit.ts";
import { afterPowerCut, modes } from "./testing/power-cut.ts";

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

  test("tells how long it took, by the clock that never steps", async () => {
    const { runtime } = afterPowerCut();
    const kit = new PassKit();
    runtime.before = ({ method }) => {
      if (method === "listSandboxes") kit.nowMillis += 1_500;
    };
    const { durationMillis } = await kit.pass("boot", [runtime]);
    expect([durationMillis, kit.seconds]).toEqual([1_500, [1.5]]);
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
    const settings = {
      ...DEFAULT_SETTINGS,
      modes: { boot: "off", steady: "report", shutdown: "on" },
    } as const;
    const kit = new PassKit();
    await kit.pass("boot", [runtime], { settings });
    expect(runtime.calls).toHaveLength(0);
    await kit.pass("steady", [runtime], { settings });
    expect(runtime.removed).toHaveLength(0);
    await kit.pass("shutdown", [runtime], { settings });
    expect(runtime.removed).toHaveLength(2);
  });
});

describe("a container in a READY sandbox, seen two seconds apart", () => {
  test.each([
    ["boot", false, 0],
    ["steady", false, 0],
    ["shutdown", false, 1],
    ["boot", true, 1],
    ["steady", true, 1],
    ["shutdown", true, 1],
  ] as const)("in phase %s, with kubelet stopped %s: %d go", async (phase, kubeletStopped, gone) => {
    const runtime = new FakeRuntime(WALL_NANOS);
    runtime.create(runtime.runSandbox(WEB), "app", 0);
    const kit = new PassKit();
    await kit.pass(phase, [runtime], { kubeletStopped });
    expect(runtime.removed).toEqual([]);
    kit.nowMillis += 2_000;
    await kit.pass(phase, [runtime], { kubeletStopped });
    expect(runtime.removed).toHaveLength(gone);
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
    const target = { key: "/run/fake.sock", runtime, hasTask: async () => false };
    await kit.pass("boot", [target]);
    name = "containerd";
    kit.nowMillis += 10_000;
    const report = await kit.pass("boot", [target]);
    expect(readReport(report)).toMatchObject({
      label: "containerd at /run/fake.sock",
      outcomes: { removed: 1 },
    });
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
    expect(kit.lines.filter(({ level }) => level === "warn")).toMatchObject([
      { message: "runtime not read" },
    ]);
  });

  test("are worked on side by side: none waits for another", async () => {
    const { runtime } = afterPowerCut();
    const slow = new FakeRuntime(WALL_NANOS, "slow");
    slow.before = async (_call, signal) => {
      while (runtime.removed.length < 2 && !signal.aborted)
        await new Promise((resolve) => setImmediate(resolve));
    };
    const report = await new PassKit().pass("boot", [slow, runtime], { listTimeoutMillis: 60_000 });
    expect(report.runtimes.map(({ kind }) => kind)).toEqual(["read", "read"]);
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

  test("are not asked for at shutdown", async () => {
    const { runtime } = afterPowerCut();
    const kit = new PassKit();
    const suspectedCreates = () => Promise.reject(new Error("asked"));
    await kit.pass("shutdown", [{ key: "fake", runtime, suspectedCreates }]);
    expect(kit.lines.map(({ message }) => message)).not.toContain("creates under way not read");
    expect(runtime.removed).toHaveLength(2);
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

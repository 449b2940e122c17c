import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { DEFAULT_SETTINGS, type ContainersSettings } from "./containers/settings.ts";
import { modes, podNamed } from "./containers/testing/power-cut.ts";
import { FakeRuntime } from "./containers/testing/fake-runtime.ts";
import { WALL_NANOS } from "./containers/testing/pass-kit.ts";
import type { KubeletState } from "./host/kubelet/probe.ts";
import { realTime, type Time } from "./host/time.ts";
import { makePasses, type PassEnd } from "./passes.ts";
import { captureLog, until } from "./testing/agent-kit.ts";

const never = new AbortController().signal;

function passesOver(
  runtimes: readonly FakeRuntime[],
  settings: ContainersSettings = DEFAULT_SETTINGS,
  onEnd: (end: PassEnd) => Promise<void> | void = () => {},
  kubelet: KubeletState = { kind: "running", name: "kubelet" },
  refresh: () => Promise<void> = async () => {},
  sleep: Time["sleep"] = async (millis, signal) => realTime.sleep(millis, signal),
) {
  const { log, lines } = captureLog();
  const passes = makePasses({
    watch: {
      current: () =>
        runtimes.map((runtime) => ({
          runtime,
          hostPath: runtime.label,
          name: "fake",
          version: "1",
          answers: true,
          kubelets: "configured",
          connection: undefined,
        })),
      refresh,
    },
    hostRoot: "/",
    settings,
    own: { kind: "pod", uid: "agent" },
    kubelets: { look: async () => kubelet },
    budgetMillis: 60_000,
    ports: {
      clock: { monotonicMillis: () => performance.now(), wallNanos: () => WALL_NANOS },
      sleep,
      random: () => 0.5,
      log,
      metrics: { passed: () => {}, settled: () => {}, kept: () => {} },
    },
    onEnd,
  });
  return { passes, lines };
}

function stuckNode() {
  const runtime = new FakeRuntime(WALL_NANOS);
  const { id } = runtime.create(runtime.runSandbox(podNamed("web")), "app", 0);
  runtime.reboot();
  return { runtime, id };
}

/** Lists of the runtime come when the test says so. */
function slowly(runtime: FakeRuntime) {
  const began: string[] = [];
  const open = Promise.withResolvers<void>();
  runtime.before = async ({ method }) => {
    if (method !== "listContainers") return;
    began.push(method);
    await open.promise;
  };
  return { began, letGo: () => open.resolve() };
}

test("two passes never overlap", async () => {
  const { runtime } = stuckNode();
  const slow = slowly(runtime);
  const { passes } = passesOver([runtime]);
  const both = Promise.all([passes.run("boot", never), passes.run("steady", never)]);
  await until(() => slow.began.length === 1);
  await delay(50);
  expect(slow.began).toHaveLength(1);
  slow.letGo();
  expect((await both).map(({ result }) => result)).toEqual(["read", "read"]);
  expect(slow.began).toHaveLength(2);
});

test("a shutdown's pass cuts the one that runs and goes next", async () => {
  const { runtime, id } = stuckNode();
  const slow = slowly(runtime);
  const ends: string[] = [];
  const { passes } = passesOver([runtime], DEFAULT_SETTINGS, ({ phase, result }) => {
    ends.push(`${phase} ${result}`);
  });
  const running = passes.run("boot", never);
  await until(() => slow.began.length === 1);
  const waiting = passes.run("steady", never);
  const shutdown = passes.run("shutdown", never);
  expect((await running).result).toBe("cut");
  expect((await waiting).result).toBe("cut");
  slow.letGo();
  expect((await shutdown).result).toBe("read");
  expect(ends).toEqual(["boot cut", "steady cut", "shutdown read"]);
  expect(runtime.containers.has(id)).toBe(false);
  expect(passes.last()?.phase).toBe("shutdown");
  expect((await passes.run("steady", never)).result).toBe("read");
});

test("the agent's end cuts a pass and those that wait", async () => {
  const { runtime } = stuckNode();
  const slow = slowly(runtime);
  const { passes } = passesOver([runtime]);
  const end = new AbortController();
  const both = Promise.all([passes.run("boot", end.signal), passes.run("steady", end.signal)]);
  await until(() => slow.began.length === 1);
  end.abort();
  expect((await both).map(({ result }) => result)).toEqual(["cut", "cut"]);
  expect(passes.last()).toBeUndefined();
});

test("nothing to look at, and nothing to do", async () => {
  expect((await passesOver([]).passes.run("boot", never)).result).toBe("no-runtime");
  const { runtime, id } = stuckNode();
  expect((await passesOver([runtime], modes("off")).passes.run("boot", never)).result).toBe("off");
  expect(runtime.containers.has(id)).toBe(true);
});

test.each([
  ["boot", 0, 15_000],
  ["steady", 0, 15_000],
  ["shutdown", 0, 3_000],
  ["boot", 1, 3_000],
] as const)(
  "a %s pass with %i runtimes known waits %i ms at most for the search for others",
  async (phase, known, expectedMillis) => {
    const slept: number[] = [];
    const { passes } = passesOver(
      Array.from({ length: known }, () => stuckNode().runtime),
      modes("report"),
      undefined,
      undefined,
      async () => new Promise(() => {}),
      async (millis) => void slept.push(millis),
    );
    await passes.run(phase, never);
    expect(slept[0]).toBe(expectedMillis);
  },
);

test("a follow-up that fails ends nothing", async () => {
  const { runtime } = stuckNode();
  const { passes, lines } = passesOver([runtime], DEFAULT_SETTINGS, async () => {
    throw new Error("disk");
  });
  expect((await passes.run("boot", never)).result).toBe("read");
  expect((await passes.run("steady", never)).result).toBe("read");
  expect(lines.filter(({ msg }) => msg === "pass not followed up")).toHaveLength(2);
});

test("what was seen only once is not settled", async () => {
  const runtime = new FakeRuntime(WALL_NANOS);
  runtime.create(runtime.runSandbox(podNamed("web")), "app", 0);
  const { passes } = passesOver([runtime]);
  expect(await passes.run("boot", never)).toMatchObject({ result: "read", unsettled: true });
});

test("an ended container from the future is not settled: its successor may come back any moment", async () => {
  const runtime = new FakeRuntime(WALL_NANOS);
  const createdAtNanos = WALL_NANOS + 3_600_000_000_000n;
  runtime.create(runtime.runSandbox(podNamed("web")), "app", 0, { state: "exited", createdAtNanos });
  const { passes } = passesOver([runtime]);
  expect(await passes.run("steady", never)).toMatchObject({ result: "read", unsettled: true });
});

test.each([
  [{ kind: "stopped", name: "kubelet" }, "removed"],
  [{ kind: "running", name: "kubelet" }, "kept"],
  [{ kind: "unknown", reason: "no answer" }, "kept"],
] as const)(
  "a container that may be about to start, seen twice within the long grace, with kubelet %j: %s",
  async (kubelet, expected) => {
    const runtime = new FakeRuntime(WALL_NANOS);
    runtime.refusesRunning = true;
    const { id } = runtime.create(runtime.runSandbox(podNamed("web")), "app", 0);
    const settings = { ...DEFAULT_SETTINGS, graceMillis: { boot: 60_000, steady: 60_000, shutdown: 20 } };
    const { passes } = passesOver([runtime], settings, () => {}, kubelet);
    await passes.run("boot", never);
    await delay(50);
    await passes.run("steady", never);
    expect(runtime.containers.has(id) ? "kept" : "removed").toBe(expected);
  },
);

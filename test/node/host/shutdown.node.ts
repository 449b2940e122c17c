/** Real logind, real bus, real systemd-inhibit: what happens between the announcement and the shutdown. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, describe, expect, test } from "vitest";
import { makeBusConnector } from "../../../daemonset/host/logind/dbus-native-bus.ts";
import { listInhibitors } from "../../../daemonset/host/logind/logind.ts";
import { makeShutdownGuard, type ShutdownGuard } from "../../../daemonset/host/shutdown/guard.ts";
import type { ShutdownPass } from "../../../daemonset/host/shutdown/prepare.ts";
import { realTime } from "../../../daemonset/host/time.ts";
import { waitFor } from "../../cluster/process/wait-for.ts";
import { startLoginMachine, type LoginMachine } from "./login-machine.ts";

const host = join(import.meta.dirname, "..", "..", "..", "daemonset", "host");

let cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.toReversed()) await cleanup();
  cleanups = [];
});

async function machineWith(start?: "all" | "bus" | "nothing"): Promise<LoginMachine> {
  const machine = await startLoginMachine(start);
  cleanups.push(async () => machine.stop());
  return machine;
}

interface PassCall {
  readonly atMillis: number;
  readonly budgetMillis: number;
}

function guardOn(machine: LoginMachine, pass: ShutdownPass): { guard: ShutdownGuard; passes: PassCall[] } {
  const passes: PassCall[] = [];
  const guard = makeShutdownGuard({
    connect: makeBusConnector(machine.busAddress),
    lockCommand: machine.lockCommand,
    maxPassMillis: 60_000,
    time: realTime,
    log: pino({ level: process.env["NODELATCH_TEST_LOG"] ?? "silent" }),
    async pass(signal, budgetMillis) {
      passes.push({ atMillis: performance.now(), budgetMillis });
      await pass(signal, budgetMillis);
    },
  });
  const ends = new AbortController();
  const running = guard.run(ends.signal);
  cleanups.push(async () => {
    ends.abort();
    await running;
  });
  return { guard, passes };
}

const soon = { deadlineMillis: 15_000, intervalMillis: 10 };

async function until(what: string, seen: () => unknown, is: (value: string) => boolean): Promise<void> {
  await waitFor(
    what,
    async () => {
      const text = JSON.stringify(await seen());
      return is(text) ? { done: true, value: undefined } : { done: false, seen: text };
    },
    soon,
  );
}

/** Held, watched, and in logind's own list. */
async function heldOn(machine: LoginMachine, guard: ShutdownGuard): Promise<void> {
  await until(
    "the lock and the watch",
    () => guard.state(),
    () => guard.state().lock.kind === "held" && guard.state().bus.kind === "watching",
  );
  await until(
    "one lock in logind's list",
    async () => locksOf(machine),
    (text) => text === '["shutdown delay"]',
  );
}

async function locksOf(machine: LoginMachine): Promise<readonly string[]> {
  const signal = AbortSignal.timeout(5_000);
  const bus = await makeBusConnector(machine.busAddress)(() => {}, signal);
  try {
    const entries = await listInhibitors(bus, signal);
    return entries
      .filter((entry) => entry.who === "nodelatch")
      .map((entry) => `${entry.what.join(":")} ${entry.mode}`);
  } finally {
    bus.close();
  }
}

async function startedUnits(machine: LoginMachine, count: number): Promise<void> {
  await until(
    `logind to start ${count} units`,
    () => machine.systemd().started,
    () => machine.systemd().started.length >= count,
  );
}

/** Powers off and tells how long after that the pass began and logind went on. */
async function powerOff(
  machine: LoginMachine,
  passes: readonly PassCall[],
): Promise<{ readonly passAfter: number; readonly startAfter: number }> {
  const before = performance.now();
  const units = machine.systemd().started.length;
  await machine.powerOff();
  await startedUnits(machine, units + 1);
  return {
    passAfter: (passes.at(-1)?.atMillis ?? NaN) - before,
    startAfter: (machine.systemd().started.at(-1)?.atMillis ?? NaN) - before,
  };
}

const passOf =
  (millis: number): ShutdownPass =>
  async () =>
    realTime.sleep(millis);

describe("a shutdown", () => {
  test("is delayed by the lock, told at once, and goes on right after the pass", async () => {
    const machine = await machineWith();
    const { guard, passes } = guardOn(machine, passOf(500));
    await heldOn(machine, guard);
    expect(guard.state().delayMaxMillis).toBe(5_000);
    const { passAfter, startAfter } = await powerOff(machine, passes);
    console.log(
      `pass began after ${passAfter.toFixed(1)} ms, logind went on after ${startAfter.toFixed(1)} ms`,
    );
    expect(passAfter).toBeLessThan(2_000);
    expect(startAfter).toBeGreaterThan(500);
    expect(startAfter).toBeLessThan(3_500);
    expect(passes[0]?.budgetMillis).toBeGreaterThan(3_500);
    expect(machine.systemd().started[0]?.unit).toBe("poweroff.target");
    // logind may go on before the child that held the lock is seen to have ended.
    await expect
      .poll(() => guard.state())
      .toMatchObject({
        announced: true,
        lock: { kind: "released" },
        last: { kind: "done" },
      });
  });

  test("a pass that never ends is left a second before logind would go on by itself", async () => {
    const machine = await machineWith();
    const { guard, passes } = guardOn(machine, async () => new Promise(() => {}));
    await heldOn(machine, guard);
    const { startAfter } = await powerOff(machine, passes);
    console.log(`logind went on after ${startAfter.toFixed(0)} ms of its 5000`);
    expect(startAfter).toBeGreaterThan(3_900);
    expect(startAfter).toBeLessThan(4_900);
    expect(await machine.logindLog()).not.toMatch(/inhibitor timeout is reached/);
    await expect.poll(() => guard.state().last?.kind).toBe("out-of-time");
  });

  test("a pass that fails lets go at once", async () => {
    const machine = await machineWith();
    const { guard, passes } = guardOn(machine, async () => Promise.reject(new Error("runtime is gone")));
    await heldOn(machine, guard);
    expect((await powerOff(machine, passes)).startAfter).toBeLessThan(3_500);
    await expect.poll(() => guard.state().last).toMatchObject({ kind: "failed", reason: "runtime is gone" });
  });

  test("one that is cancelled gives the lock back, and the next one works as the first did", async () => {
    const machine = await machineWith();
    const { guard, passes } = guardOn(machine, passOf(100));
    await heldOn(machine, guard);
    await powerOff(machine, passes);
    machine.systemd().cancelJob();
    await heldOn(machine, guard);
    expect(guard.state().announced).toBe(false);
    const { startAfter } = await powerOff(machine, passes);
    expect(startAfter).toBeGreaterThan(100);
    expect(passes.length).toBe(2);
    expect(await machine.logindLog()).not.toMatch(/inhibitor timeout is reached/);
  });
});

describe("the lock and the watch come back", () => {
  test.each([
    ["after a restart of the bus", async (machine: LoginMachine) => machine.restartBus()],
    ["after a crash of logind", async (machine: LoginMachine) => machine.restartLogind()],
    ["after logind forgot all locks", async (machine: LoginMachine) => machine.forgetLocks()],
    [
      "after five crashes of logind in a row",
      async (machine: LoginMachine) => {
        for (let crash = 0; crash < 5; crash += 1) await machine.restartLogind();
      },
    ],
  ])("%s", async (_when, disturb) => {
    const machine = await machineWith();
    const { guard, passes } = guardOn(machine, passOf(300));
    await heldOn(machine, guard);
    await disturb(machine);
    const since = performance.now();
    await heldOn(machine, guard);
    console.log(`held and listed ${(performance.now() - since).toFixed(0)} ms after that`);
    const { startAfter } = await powerOff(machine, passes);
    expect(passes.length).toBe(1);
    expect(startAfter).toBeGreaterThan(300);
    expect(startAfter).toBeLessThan(3_500);
  });

  test("where there was no bus and no logind at first", async () => {
    const machine = await machineWith("nothing");
    const { guard, passes } = guardOn(machine, passOf(100));
    await until(
      "both reasons",
      () => guard.state(),
      () => guard.state().lock.kind === "not-held" && guard.state().bus.kind === "no-bus",
    );
    expect(JSON.stringify(guard.state().bus)).toMatch(/ENOENT/);
    await machine.restartBus();
    await heldOn(machine, guard);
    await powerOff(machine, passes);
    expect(passes.length).toBe(1);
  });

  test("where logind comes after the bus", async () => {
    const machine = await machineWith("bus");
    const { guard } = guardOn(machine, passOf(100));
    await until(
      "no logind",
      () => guard.state(),
      () => guard.state().bus.kind === "no-logind",
    );
    await machine.restartLogind();
    await heldOn(machine, guard);
    expect(guard.state().bus.kind).toBe("watching");
  });
});

test("an agent that is killed leaves no lock and no process behind", async () => {
  const machine = await machineWith();
  const script = `
    import { makeShutdownGuard } from ${JSON.stringify(join(host, "shutdown", "guard.ts"))};
    import { makeBusConnector } from ${JSON.stringify(join(host, "logind", "dbus-native-bus.ts"))};
    import { realTime } from ${JSON.stringify(join(host, "time.ts"))};
    import { pino } from "pino";
    const guard = makeShutdownGuard({
      connect: makeBusConnector(${JSON.stringify(machine.busAddress)}),
      lockCommand: ${JSON.stringify(machine.lockCommand)},
      maxPassMillis: 1_000, time: realTime, log: pino({ level: "silent" }), pass: async () => {},
    });
    setInterval(() => {}, 1_000);
    await guard.run(new AbortController().signal);`;
  const agent = spawn(process.execPath, ["--input-type=module-typescript", "--eval", script], {
    cwd: import.meta.dirname,
    stdio: "inherit",
  });
  await until(
    "the agent's lock",
    async () => locksOf(machine),
    (text) => text === '["shutdown delay"]',
  );
  const before = performance.now();
  agent.kill("SIGKILL");
  await until(
    "no lock",
    async () => locksOf(machine),
    (text) => text === "[]",
  );
  const tookMillis = performance.now() - before;
  console.log(`lock gone ${tookMillis.toFixed(0)} ms after kill -9`);
  expect(tookMillis).toBeLessThan(5_000);
});

describe("what is no shutdown", () => {
  test.each([
    ["to all", undefined],
    ["to the agent alone", "agent"],
  ])("somebody else's announcement, %s, is ignored", async (_how, to) => {
    const machine = await machineWith();
    const { guard, passes } = guardOn(machine, passOf(100));
    await heldOn(machine, guard);
    const forger = machine.client();
    const names: unknown = await forger.listNames();
    if (!Array.isArray(names)) throw new Error("no names");
    const unique = names.filter((name: unknown) => typeof name === "string" && name.startsWith(":"));
    for (const destination of to === undefined ? [undefined] : unique) {
      forger.connection.message({
        type: 4,
        serial: forger.serial++,
        path: "/org/freedesktop/login1",
        interface: "org.freedesktop.login1.Manager",
        member: "PrepareForShutdown",
        signature: "b",
        body: [true],
        ...(destination === undefined ? {} : { destination: String(destination) }),
      });
    }
    await realTime.sleep(500);
    expect([passes.length, guard.state().announced, guard.state().lock.kind]).toEqual([0, false, "held"]);
  });
});

describe("SIGTERM", () => {
  test.each(["running", "degraded", "starting"])(
    "in a rollout (systemd %s) cleans nothing",
    async (state) => {
      const machine = await machineWith();
      const { guard, passes } = guardOn(machine, passOf(100));
      await heldOn(machine, guard);
      machine.systemd().setState(state);
      expect(await guard.onTerm()).toMatchObject({ decision: { kind: "leave" }, pass: undefined });
      expect(passes.length).toBe(0);
    },
  );

  test("after logind's announcement cleans, and waits for a pass that runs", async () => {
    const machine = await machineWith();
    const { guard, passes } = guardOn(machine, passOf(1_000));
    await heldOn(machine, guard);
    await machine.powerOff();
    await until(
      "the pass",
      () => passes,
      () => passes.length === 1,
    );
    expect(await guard.onTerm()).toMatchObject({ decision: { kind: "clean" }, pass: { kind: "done" } });
    expect(passes.length).toBe(1);
    // kubelet may have made new containers since.
    await guard.onTerm();
    expect(passes.length).toBe(2);
  });

  test("in a process that missed the announcement cleans", async () => {
    const machine = await machineWith();
    await machine.powerOff();
    const { guard, passes } = guardOn(machine, passOf(10));
    expect((await guard.onTerm()).decision.kind).toBe("clean");
    expect(passes.length).toBeGreaterThan(0);
  });

  test("while systemd stops the node cleans, whatever logind says", async () => {
    const machine = await machineWith();
    const { guard, passes } = guardOn(machine, passOf(10));
    await heldOn(machine, guard);
    machine.systemd().setState("stopping");
    expect((await guard.onTerm()).decision.kind).toBe("clean");
    expect(passes.length).toBe(1);
  });

  test.each([
    ["no bus", async (machine: LoginMachine) => machine.bus.kill()],
    ["a bus that hangs", async (machine: LoginMachine) => stopProcess(machine)],
    [
      "no logind and no systemd",
      async (machine: LoginMachine) => {
        await machine.logind.kill();
        await machine.bus.kill();
        machine.bus.start();
      },
    ],
  ])("with %s cleans nothing, and does not wait long to say so", async (_what, disturb) => {
    const machine = await machineWith();
    const { guard, passes } = guardOn(machine, passOf(10));
    await heldOn(machine, guard);
    await disturb(machine);
    const before = performance.now();
    expect((await guard.onTerm()).decision.kind).toBe("leave");
    expect(performance.now() - before).toBeLessThan(5_000);
    expect(passes.length).toBe(0);
  });
});

async function stopProcess(machine: LoginMachine): Promise<void> {
  const state = machine.bus.state();
  if (state.kind === "running") process.kill(state.pid, "SIGSTOP");
}

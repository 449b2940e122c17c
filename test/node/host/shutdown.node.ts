/** Real logind, real bus, real systemd-inhibit: what happens between the announcement and the shutdown. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { realTime } from "../../../daemonset/host/time.ts";
import {
  guardOn,
  heldOn,
  locksOf,
  machineWith,
  passOf,
  patientTime,
  powerOff,
  until,
} from "./guarded-machine.ts";
import type { LoginMachine } from "./login-machine.ts";

const host = join(import.meta.dirname, "..", "..", "..", "daemonset", "host");

/** Six times logind's own: a machine that is busy for seconds does not make one end look like the other. */
const DELAY = { delayMaxSeconds: 30 } as const;
/** Of a shutdown that goes on when the work is done, and not when the delay is over. */
const WELL_BEFORE_MILLIS = 15_000;

describe("a shutdown", () => {
  test("is delayed by the lock, told at once, and goes on right after the pass", async () => {
    const machine = await machineWith(DELAY);
    const { guard, passes } = guardOn(machine, passOf(500), patientTime);
    await heldOn(machine, guard);
    expect(guard.state().delayMaxMillis).toBe(30_000);
    const { passAfter, startAfter } = await powerOff(machine, passes);
    console.log(
      `pass began after ${passAfter.toFixed(1)} ms, logind went on after ${startAfter.toFixed(1)} ms`,
    );
    expect(passAfter).toBeLessThan(10_000);
    expect(startAfter).toBeGreaterThan(500);
    expect(startAfter).toBeLessThan(WELL_BEFORE_MILLIS);
    expect(passes[0]?.budgetMillis).toBeGreaterThan(20_000);
    expect(passes[0]?.budgetMillis).toBeLessThanOrEqual(29_000);
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
    const machine = await machineWith(DELAY);
    const { guard, passes } = guardOn(machine, async () => Promise.reject(new Error("runtime is gone")));
    await heldOn(machine, guard);
    expect((await powerOff(machine, passes)).startAfter).toBeLessThan(WELL_BEFORE_MILLIS);
    await expect.poll(() => guard.state().last).toMatchObject({ kind: "failed", reason: "runtime is gone" });
  });

  test("one that is cancelled gives the lock back, and the next one works as the first did", async () => {
    const machine = await machineWith(DELAY);
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
    const machine = await machineWith(DELAY);
    const { guard, passes } = guardOn(machine, passOf(300));
    await heldOn(machine, guard);
    await disturb(machine);
    const since = performance.now();
    await heldOn(machine, guard);
    console.log(`held and listed ${(performance.now() - since).toFixed(0)} ms after that`);
    const { startAfter } = await powerOff(machine, passes);
    expect(passes.length).toBe(1);
    expect(startAfter).toBeGreaterThan(300);
    expect(startAfter).toBeLessThan(WELL_BEFORE_MILLIS);
  });

  test("where there was no bus and no logind at first", async () => {
    const machine = await machineWith({ start: "nothing" });
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
    const machine = await machineWith({ start: "bus" });
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
  expect(tookMillis).toBeLessThan(20_000);
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

/** A machine with real logind and systemd-inhibit, and the shutdown guard on it. What a test has made goes after it. */
import { pino } from "pino";
import { afterEach } from "vitest";
import { makeBusConnector } from "../../../daemonset/host/logind/dbus-native-bus.ts";
import { listInhibitors } from "../../../daemonset/host/logind/logind.ts";
import { makeShutdownGuard, type ShutdownGuard } from "../../../daemonset/host/shutdown/guard.ts";
import type { ShutdownPass } from "../../../daemonset/host/shutdown/prepare.ts";
import { realTime, type Time } from "../../../daemonset/host/time.ts";
import { waitFor } from "../../cluster/process/wait-for.ts";
import { startLoginMachine, type LoginMachine, type LoginMachineOptions } from "./login-machine.ts";

let cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.toReversed()) await cleanup();
  cleanups = [];
});

export async function machineWith(options?: LoginMachineOptions): Promise<LoginMachine> {
  const machine = await startLoginMachine(options);
  cleanups.push(async () => machine.stop());
  return machine;
}

interface PassCall {
  readonly atMillis: number;
  readonly budgetMillis: number;
}

/** Waits ten times as long for answers, for a test that is about what they say: a busy machine may hold them up. */
export const patientTime: Time = {
  ...realTime,
  sleep: async (millis, signal) => realTime.sleep(millis * 10, signal),
};

export function guardOn(
  machine: LoginMachine,
  pass: ShutdownPass,
  time: Time = realTime,
): { guard: ShutdownGuard; passes: PassCall[] } {
  const passes: PassCall[] = [];
  const guard = makeShutdownGuard({
    connect: makeBusConnector(machine.busAddress),
    lockCommand: machine.lockCommand,
    maxPassMillis: 60_000,
    time,
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

const soon = { deadlineMillis: 60_000, intervalMillis: 10 };

export async function until(
  what: string,
  seen: () => unknown,
  is: (value: string) => boolean,
): Promise<void> {
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
export async function heldOn(machine: LoginMachine, guard: ShutdownGuard): Promise<void> {
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

export async function locksOf(machine: LoginMachine): Promise<readonly string[]> {
  const signal = AbortSignal.timeout(20_000);
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
export async function powerOff(
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

export const passOf =
  (millis: number): ShutdownPass =>
  async () =>
    realTime.sleep(millis);

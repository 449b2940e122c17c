/** The connection to a real dbus-daemon. */
import { once } from "node:events";
import { afterEach, expect, test } from "vitest";
import { makeBusConnector } from "../../../daemonset/host/logind/dbus-native-bus.ts";
import { startLoginMachine } from "./login-machine.ts";

let cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.toReversed()) await cleanup();
  cleanups = [];
});

test("a real bus answers, its errors are told in its words, and its end is noticed", async () => {
  const machine = await startLoginMachine({ start: "bus" });
  cleanups.push(async () => machine.stop());
  const bus = await makeBusConnector(machine.busAddress)(() => {}, AbortSignal.timeout(5_000));
  const target = {
    service: "org.example.Nobody",
    path: "/",
    interface: "org.freedesktop.DBus.Peer",
    member: "Ping",
  };
  await expect(bus.call(target, [], AbortSignal.timeout(5_000))).rejects.toThrow(/org.example.Nobody/);
  await expect(bus.match("nonsense", AbortSignal.timeout(5_000))).rejects.toThrow(/match/i);
  const ended = once(bus.closed, "abort");
  await machine.bus.kill();
  await ended;
  await expect(bus.call(target, [], AbortSignal.timeout(5_000))).rejects.toThrow(/closed/i);
});

test("a call that is not answered ends with its signal", async () => {
  const machine = await startLoginMachine({ start: "bus" });
  cleanups.push(async () => machine.stop());
  const bus = await makeBusConnector(machine.busAddress)(() => {}, AbortSignal.timeout(5_000));
  const state = machine.bus.state();
  if (state.kind !== "running") throw new Error("no bus");
  process.kill(state.pid, "SIGSTOP");
  const target = {
    service: "org.freedesktop.DBus",
    path: "/",
    interface: "org.freedesktop.DBus",
    member: "ListNames",
  };
  const before = performance.now();
  await expect(bus.call(target, [], AbortSignal.timeout(200))).rejects.toThrow(/abort|timeout/i);
  expect(performance.now() - before).toBeLessThan(5_000);
  bus.close();
});

test("a bus that is full refuses with words, and nothing else happens", async () => {
  // One for who asked whether the bus is there, one for the fake systemd.
  const machine = await startLoginMachine({
    start: "bus",
    busLimits: '<limit name="max_connections_per_user">2</limit>',
  });
  cleanups.push(async () => machine.stop());
  const attempt = makeBusConnector(machine.busAddress)(() => {}, AbortSignal.timeout(5_000));
  await expect(attempt).rejects.toMatchObject({
    cause: { message: expect.stringMatching(/connection/i) as unknown },
  });
});

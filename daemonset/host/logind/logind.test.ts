import { describe, expect, test } from "vitest";
import { FakeBus } from "../testing/fake-bus.ts";
import type { BusConnection } from "./bus.ts";
import {
  inhibitDelayMaxMillis,
  listInhibitors,
  logindOwner,
  newsIn,
  preparingForShutdown,
  systemState,
} from "./logind.ts";

const { signal } = new AbortController();

async function connected(change: (bus: FakeBus) => void): Promise<BusConnection> {
  const bus = new FakeBus();
  change(bus);
  return bus.connect(() => {}, signal);
}

describe("what logind and systemd say", () => {
  test.each([
    [5_000_000n, 5_000],
    [0n, 0],
    [999n, 0],
    [2n ** 64n - 1n, Infinity],
  ])("a delay of %s microseconds is %s ms", async (micros, millis) => {
    const bus = await connected((made) => (made.delayMaxMicros = micros));
    expect(await inhibitDelayMaxMillis(bus, signal)).toBe(millis);
  });

  test.each([5_000_000, -1n, "5s", undefined, null])("a delay of %s is refused", async (value) => {
    const bus = await connected((made) => (made.delayMaxMicros = value));
    await expect(inhibitDelayMaxMillis(bus, signal)).rejects.toThrow(/InhibitDelayMaxUSec is .*microseconds/);
  });

  test.each([1, "true", undefined])("preparing %s is neither yes nor no", async (value) => {
    const bus = await connected((made) => (made.preparing = value));
    await expect(preparingForShutdown(bus, signal)).rejects.toThrow(/expected true or false/);
  });

  test("a state that is no text is refused", async () => {
    const bus = await connected((made) => (made.systemState = 7n));
    await expect(systemState(bus, signal)).rejects.toThrow("systemd's SystemState is 7; expected text");
  });

  test("without logind there is no owner", async () => {
    expect(await logindOwner(await connected((made) => (made.owner = undefined)), signal)).toBeUndefined();
    expect(await logindOwner(await connected(() => {}), signal)).toBe(":1.5");
  });

  test("entries of another shape are left out of the list of locks", async () => {
    const bus = await connected((made) => {
      made.inhibitors = [
        ["shutdown:sleep", "kubelet", "needs time", "delay", 0, 812],
        ["shutdown", "half"],
        "text",
        [1, 2, 3, 4],
      ];
    });
    expect(await listInhibitors(bus, signal)).toEqual([
      { what: ["shutdown", "sleep"], who: "kubelet", why: "needs time", mode: "delay" },
    ]);
    const broken = await connected((made) => (made.inhibitors = null));
    await expect(listInhibitors(broken, signal)).rejects.toThrow(/list of inhibitors is null/);
  });
});

test("signals of others mean nothing", () => {
  const base = { sender: ":1.5", path: "/", body: [true] };
  const manager = "org.freedesktop.login1.Manager";
  expect(newsIn({ ...base, interface: manager, member: "PrepareForSleep" })).toBeUndefined();
  expect(newsIn({ ...base, interface: "com.example", member: "PrepareForShutdown" })).toBeUndefined();
  expect(
    newsIn({
      ...base,
      sender: "org.freedesktop.DBus",
      interface: "org.freedesktop.DBus",
      member: "NameOwnerChanged",
      body: ["org.freedesktop.hostname1", "", ":1.8"],
    }),
  ).toBeUndefined();
});

/** Time that goes by unseen. */
import { expect, test } from "vitest";
import { healthOf, isSound, MINUTE, running, SECOND, serial } from "./testing/one-replica.ts";

test("certificates that expired while nobody ran are replaced at the next start", async () => {
  const { cluster, replica } = await running();
  cluster.kill(replica);
  await cluster.pass(2 * cluster.settings.caLifeMillis);
  const next = cluster.start();
  await cluster.pass(20 * SECOND);
  expect(isSound(cluster)).toBe(true);
  expect(cluster.isReady(next)).toBe(true);
});

test("when the clock jumps past the end of everything, all is new within a poll, and again when it jumps back", async () => {
  const { cluster, replica } = await running();
  cluster.wallOffsetMillis = 3 * cluster.settings.caLifeMillis;
  expect(healthOf(replica, "certificate").ok).toBe(false);
  await cluster.pass(20 * SECOND);
  expect(cluster.isReady(replica)).toBe(true);
  cluster.wallOffsetMillis = -10 * 3_600_000;
  expect(healthOf(replica, "certificate")).toEqual({
    ok: false,
    detail: `certificate ${serial(replica)} is not valid yet`,
  });
  await cluster.pass(20 * SECOND);
  expect(cluster.isReady(replica)).toBe(true);
  expect(isSound(cluster)).toBe(true);
});

test("a machine that slept over the leaf's end has a new one after at most a minute", async () => {
  const { cluster, replica } = await running();
  const before = serial(replica);
  cluster.time.freeze(replica.name, 6 * MINUTE);
  await cluster.pass(6 * MINUTE + 50 * SECOND);
  expect(serial(replica)).not.toBe(before);
  expect(cluster.isReady(replica)).toBe(true);
});

import { describe, expect, test } from "vitest";
import { makeDice } from "../../../program/testing/dice.ts";
import { FingerprintMap } from "./fingerprint-map.ts";
import { cacheFingerprint, contentFingerprint, idFingerprint, leaseFingerprint } from "./fingerprint.ts";

describe("the map", () => {
  test("does what a Map does, whatever comes", () => {
    const dice = makeDice(1);
    const map = new FingerprintMap();
    const model = new Map<string, number>();
    for (let turn = 0; turn < 20_000; turn += 1) {
      // Few values, so that keys collide and repeat, and the empty slot's own key is among them.
      const [high, low] = [Math.floor(dice() * 60), Math.floor(dice() * 60)];
      const value = Math.floor(dice() * 2 ** 32);
      const key = high === 0 && low === 0 ? "0 1" : `${high} ${low}`;
      if (dice() < 0.5) {
        map.set({ high, low }, value);
        model.set(key, value);
      }
      expect(map.get({ high, low })).toBe(model.get(key));
    }
    expect(map.size).toBe(model.size);
    const copy = new FingerprintMap();
    copy.addAll(map);
    for (const [key, value] of model) {
      const [high = 0, low = 0] = key.split(" ").map(Number);
      expect(copy.get({ high, low })).toBe(value);
    }
  });

  test("what is dropped is gone, all else stays with its new value", () => {
    const map = new FingerprintMap();
    for (let low = 1; low <= 10_000; low += 1) map.set({ high: 7, low }, low);
    map.update((value) => (value % 3 === 0 ? undefined : value + 1));
    expect(map.size).toBe(6_667);
    for (let low = 1; low <= 10_000; low += 1) {
      expect(map.get({ high: 7, low })).toBe(low % 3 === 0 ? undefined : low + 1);
    }
    map.update(() => undefined);
    expect([map.size, map.toBytes().length]).toEqual([0, 0]);
    map.set({ high: 7, low: 1 }, 5);
    expect(map.toBytes((value) => value === 4).length).toBe(0);
    expect(map.toBytes((value) => value === 5).length).toBe(8);
  });

  test("survives as bytes", () => {
    const map = new FingerprintMap();
    for (let index = 0; index < 1_000; index += 1) map.set(cacheFingerprint("/c", `${index}`));
    const bytes = map.toBytes();
    expect(bytes.length).toBe(8_000);
    const back = FingerprintMap.fromBytes(bytes);
    expect(back?.size).toBe(1_000);
    expect(back?.has(cacheFingerprint("/c", "999"))).toBe(true);
    expect(back?.has(cacheFingerprint("/c", "1000"))).toBe(false);
    expect(FingerprintMap.fromBytes(bytes.subarray(1))).toBeUndefined();
  });

  test("keys that differ in few bits are found as fast as others", () => {
    const map = new FingerprintMap();
    const beganMillis = performance.now();
    for (let index = 0; index < 20_000; index += 1) map.set({ high: 0, low: index * 65_536 + 0xabab });
    for (let index = 0; index < 20_000; index += 1) map.set({ high: index * 65_536, low: 0 });
    // With all of them in one row it takes minutes.
    expect(performance.now() - beganMillis).toBeLessThan(5_000);
    expect(map.size).toBe(40_000);
  });

  test("100,000 entries take few megabytes", () => {
    const map = new FingerprintMap();
    const dice = makeDice(2);
    const before = process.memoryUsage().arrayBuffers;
    for (let index = 0; index < 100_000; index += 1) {
      map.set({ high: Math.floor(dice() * 2 ** 32), low: index });
    }
    expect(map.size).toBe(100_000);
    // With what was outgrown on the way and is not collected yet.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 1_024 * 1_024);
  });
});

describe("fingerprints", () => {
  const lease = { name: "10.42.0.7", ino: 1n, content: "id\r\neth0" };
  const print = leaseFingerprint("/n/a", lease, true);

  test("of a lease: network, address and content", () => {
    expect(leaseFingerprint("/n/a", { ...lease, ino: 2n }, true)).toEqual(print);
    expect(leaseFingerprint("/n/b", lease, true)).not.toEqual(print);
    expect(leaseFingerprint("/n/a", { ...lease, name: "10.42.0.8" }, true)).not.toEqual(print);
    expect(leaseFingerprint("/n/a", { ...lease, content: "id\r\neth1" }, true)).not.toEqual(print);
  });

  test("of one without owner: the inode too, as the next blank file looks the same", () => {
    const blank = { ...lease, content: "" };
    const one = leaseFingerprint("/n/a", blank, false);
    expect(leaseFingerprint("/n/a", blank, false)).toEqual(one);
    expect(leaseFingerprint("/n/a", { ...blank, ino: 2n }, false)).not.toEqual(one);
  });

  test("of a cache's content", () => {
    const file = { ...lease, directory: "/seen/here" };
    const one = contentFingerprint("/c", file);
    expect(contentFingerprint("/c", { ...file, directory: "/seen/there" })).toEqual(one);
    expect(contentFingerprint("/c", { ...file, content: "" })).not.toEqual(one);
    expect(contentFingerprint("/c", { ...file, ino: 2n })).not.toEqual(one);
  });

  test("of an id: its own bits", () => {
    expect(idFingerprint(`00000001ffffffff${"0".repeat(48)}`)).toEqual({ high: 1, low: 0xffff_ffff });
  });
});

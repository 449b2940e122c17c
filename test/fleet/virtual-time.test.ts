import { expect, test } from "vitest";
import { makeDice } from "../../program/testing/dice.ts";
import { VirtualTime } from "./virtual-time.ts";

test("things are done in the order of their times, equals in the order in which they were asked for", async () => {
  const time = new VirtualTime();
  const dice = makeDice(1);
  const wanted: (readonly [number, number])[] = [];
  const done: (readonly [number, number])[] = [];
  for (let order = 0; order < 500; order += 1) {
    const atMillis = Math.floor(dice() * 50);
    wanted.push([atMillis, order]);
    time.at(atMillis, () => void done.push([atMillis, order]));
  }
  expect(await time.run(() => false)).toBe(false);
  expect(done).toEqual(wanted.toSorted(([a, first], [b, second]) => a - b || first - second));
  expect(time.nowMillis).toBe(49);
});

test("a sleeper goes on to its next sleep before the clock moves", async () => {
  const time = new VirtualTime();
  const seen: string[] = [];
  const sleeper = async (name: string, millis: number): Promise<void> => {
    for (let round = 0; round < 3; round += 1) {
      await time.sleep(millis);
      seen.push(`${name}${time.nowMillis}`);
    }
  };
  void sleeper("a", 10);
  void sleeper("b", 15);
  await time.run(() => time.nowMillis >= 40);
  expect(seen).toEqual(["a10", "b15", "a20", "b30", "a30", "b45"]);
});

test("an aborted sleep ends at once, and the clock does not move for it", async () => {
  const time = new VirtualTime();
  const stop = new AbortController();
  let wokenAt = -1;
  const sleep = async (): Promise<void> => {
    await time.sleep(1_000, stop.signal);
    wokenAt = time.nowMillis;
  };
  void sleep();
  time.at(5, () => stop.abort());
  await time.run(() => wokenAt >= 0);
  expect(wokenAt).toBe(5);
});

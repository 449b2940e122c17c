import { expect, test } from "vitest";
import { waitFor } from "./wait-for.ts";

const quick = { deadlineMillis: 100, intervalMillis: 5 };

test("asks until the probe is done and returns its value", async () => {
  let asked = 0;
  const value = await waitFor(
    "three",
    async () => ((asked += 1) === 3 ? { done: true, value: asked } : { done: false, seen: `${asked}` }),
    quick,
  );
  expect(value).toBe(3);
});

test("names what it waited for and what it saw last when time runs out", async () => {
  const never = waitFor("the moon", async () => ({ done: false, seen: "clouds" }), quick);
  await expect(never).rejects.toThrow("waited 100 ms for the moon; last seen: clouds");
});

test("takes an error of the probe as not yet", async () => {
  const never = waitFor("the moon", async () => Promise.reject(new Error("no telescope")), quick);
  await expect(never).rejects.toThrow("last seen: no telescope");
});

test("ends when the caller gives up", async () => {
  const signal = AbortSignal.abort(new Error("never mind"));
  const never = waitFor("the moon", async () => ({ done: false, seen: "clouds" }), { ...quick, signal });
  await expect(never).rejects.toThrow("never mind");
});

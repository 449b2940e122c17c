import { expect, test } from "vitest";
import { RuntimeError } from "../runtime/runtime.ts";
import { within } from "./deadline.ts";
import { inParallel } from "./parallel.ts";

const never = () => new Promise<never>(() => {});
const open = () => new AbortController().signal;

test("what a call returns in time is returned, and what it throws is thrown", async () => {
  await expect(within(1_000, open(), "ask", async () => 7)).resolves.toBe(7);
  const broken = new RuntimeError("unavailable", "refused");
  await expect(within(1_000, open(), "ask", () => Promise.reject(broken))).rejects.toBe(broken);
});

test("a call that never answers and does not keep to its signal ends in time", async () => {
  const thrown: unknown = await within(10, open(), "list containers", never).catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(RuntimeError);
  expect(thrown).toMatchObject({ kind: "deadline", message: "list containers: no answer within 10 ms" });
});

test("the call's own signal fires at the deadline", async () => {
  const signals: AbortSignal[] = [];
  const call = (signal: AbortSignal) => {
    signals.push(signal);
    return never();
  };
  await expect(within(10, open(), "ask", call)).rejects.toThrow("no answer");
  expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
});

test("the end of all time ends a call at once", async () => {
  const whole = new AbortController();
  const call = within(60_000, whole.signal, "ask", never);
  whole.abort(new Error("shutdown"));
  await expect(call).rejects.toMatchObject({ kind: "deadline", cause: new Error("shutdown") });
});

test("after it, nothing is called at all", async () => {
  let called = 0;
  const call = within(60_000, AbortSignal.abort(), "ask", async () => (called += 1));
  await expect(call).rejects.toMatchObject({ kind: "deadline" });
  expect(called).toBe(0);
});

test("a signal that outlives many calls keeps no listener of them", async () => {
  const whole = open();
  let listeners = 0;
  const add = whole.addEventListener.bind(whole);
  const remove = whole.removeEventListener.bind(whole);
  const counted = Object.assign(whole, {
    addEventListener: (type: string, listener: () => void) => {
      listeners += 1;
      add(type, listener);
    },
    removeEventListener: (type: string, listener: () => void) => {
      listeners -= 1;
      remove(type, listener);
    },
  });
  for (let index = 0; index < 100; index++) await within(1_000, counted, "ask", async () => index);
  expect(listeners).toBe(0);
});

test("work is done in order, so many at a time, and once each", async () => {
  let now = 0;
  let most = 0;
  const done: number[] = [];
  await inParallel([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
    now += 1;
    most = Math.max(most, now);
    await new Promise((resolve) => setImmediate(resolve));
    now -= 1;
    done.push(item);
  });
  expect(done).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(most).toBe(3);
});

test("no items need no worker", async () => {
  await expect(inParallel([], 4, () => Promise.reject(new Error("called")))).resolves.toBeUndefined();
});

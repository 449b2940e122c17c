import { expect, test } from "vitest";
import { createRefusalEvents, type EventResult } from "./refusal-events.ts";

const refused = { nodeName: "n1", nodeUID: "u1", username: "bob", message: "no" };

function events(post: (signal: AbortSignal) => Promise<"held" | undefined>, perMinute = 60) {
  const clock = { now: 0 };
  const results: EventResult[] = [];
  const made = createRefusalEvents({
    post: async (_refused, signal) => (await post(signal)) ?? "posted",
    nowMillis: () => clock.now,
    onResult: (result) => results.push(result),
    perMinute,
    postTimeoutMillis: 50,
  });
  return { ...made, clock, results };
}

const count = (results: EventResult[], wanted: EventResult) =>
  results.filter((result) => result === wanted).length;

test("an event is posted after the answer, not before", async () => {
  let posted = false;
  const made = events(async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    posted = true;
    return undefined;
  });
  made.note(refused);
  expect(posted).toBe(false);
  await made.idle();
  expect(posted).toBe(true);
  expect(made.results).toEqual(["posted"]);
});

test("one that is held back for a later write does not count as posted", async () => {
  const made = events(() => Promise.resolve("held"));
  made.note(refused);
  await made.idle();
  expect(made.results).toEqual(["held"]);
});

test("no more than so many a minute are posted, and the allowance comes back with time", async () => {
  const made = events(() => Promise.resolve(undefined), 3);
  for (let sent = 0; sent < 10; sent += 1) made.note(refused);
  await made.idle();
  expect(count(made.results, "posted")).toBe(3);
  expect(count(made.results, "rate-limited")).toBe(7);
  made.clock.now = 20_000;
  made.note(refused);
  made.note(refused);
  await made.idle();
  expect(count(made.results, "posted")).toBe(4);
});

test("a clock that steps back neither posts more nor blocks for ever", async () => {
  const made = events(() => Promise.resolve(undefined), 1);
  made.note(refused);
  made.clock.now = -3_600_000;
  made.note(refused);
  made.clock.now = -3_540_000;
  made.note(refused);
  await made.idle();
  expect(made.results.toSorted()).toEqual(["posted", "posted", "rate-limited"]);
});

test("an API server that hangs costs one deadline per event and a bounded queue", async () => {
  const made = events(
    (signal) =>
      new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("late")))),
    1_000,
  );
  for (let sent = 0; sent < 150; sent += 1) made.note(refused);
  expect(count(made.results, "dropped")).toBe(49);
});

test("a failed post is reported and the next one goes on", async () => {
  let calls = 0;
  const made = events(() => {
    calls += 1;
    return calls === 1 ? Promise.reject(new Error("403")) : Promise.resolve(undefined);
  });
  made.note(refused);
  made.note(refused);
  await made.idle();
  expect(made.results).toEqual(["failed", "posted"]);
});

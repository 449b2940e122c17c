import { expect, test } from "vitest";
import type { AgentEvent } from "./containers/announce.ts";
import { VirtualTime } from "./host/testing/virtual-time.ts";
import { makeLogLines } from "./host/testing/log-lines.ts";
import { makePublisher, MOST_WAITING, type AgentApi, type EventResult } from "./publisher.ts";

const event = (message: string): AgentEvent => ({ type: "Warning", reason: "ContainersDiagnosis", message });

interface World {
  away: boolean;
  connects: number;
  asked: number;
  closed: number;
  lookAgainMillis: number | undefined;
}

function start(arrange: Partial<AgentApi> = {}) {
  const time = new VirtualTime();
  const stop = new AbortController();
  const posted: string[] = [];
  const annotated: string[] = [];
  const results: EventResult[] = [];
  const world: World = { away: false, connects: 0, asked: 0, closed: 0, lookAgainMillis: undefined };
  const lines = makeLogLines();
  const api: AgentApi = {
    readNode: async () => {
      world.asked += 1;
      if (world.away) throw new Error("no route to host");
      return { uid: "node-uid", raw: {}, atMillis: 0 };
    },
    release: async () => ({ kind: "conflict" }),
    post: async ({ message }, nodeUID) => posted.push(`${nodeUID} ${message}`),
    annotate: async (key, value) => void annotated.push(`${key}=${value}`),
    close: async () => void (world.closed += 1),
    ...arrange,
  };
  const publisher = makePublisher({
    connect: async () => {
      world.connects += 1;
      return api;
    },
    onResult: (result) => results.push(result),
    onNode: async () => world.lookAgainMillis,
    time,
    log: lines.log,
  });
  const ended = publisher.run(stop.signal);
  return {
    time,
    posted,
    annotated,
    results,
    world,
    lines: lines.lines,
    publisher,
    stop: async () => {
      stop.abort();
      await ended;
    },
  };
}

test("Events are posted as they come, with the Node's UID", async () => {
  const bench = start();
  bench.publisher.offer([event("one")]);
  await bench.time.pass(0);
  bench.publisher.offer([event("two")]);
  await bench.time.pass(0);
  expect(bench.posted).toEqual(["node-uid one", "node-uid two"]);
  expect(bench.results).toEqual(["posted", "posted"]);
  expect(bench.publisher.state()).toEqual({ kind: "reached" });
  await bench.stop();
  expect(bench.world).toMatchObject({ connects: 1, closed: 1 });
});

test("an API server that is away for a day: rare tries, one line of log, and the Events come when it is back", async () => {
  const bench = start();
  bench.world.away = true;
  bench.publisher.offer([event("one")]);
  await bench.time.pass(86_400_000);
  expect(bench.publisher.state()).toMatchObject({ kind: "away", reason: "no route to host" });
  expect(bench.world.asked).toBeLessThan(86_400 / 200);
  expect(bench.lines).toHaveLength(1);
  bench.world.away = false;
  await bench.time.pass(300_000);
  expect(bench.posted).toEqual(["node-uid one"]);
  expect(bench.publisher.state()).toEqual({ kind: "reached" });
  await bench.stop();
});

test("new Events do not hurry an API server that is away", async () => {
  const bench = start();
  bench.world.away = true;
  await bench.time.pass(60_000);
  const { asked } = bench.world;
  for (let each = 0; each < 100; each += 1) bench.publisher.offer([event(`${each}`)]);
  await bench.time.pass(1_000);
  expect(bench.world.asked).toBeLessThan(asked + 2);
  await bench.stop();
});

test("of too many the oldest are lost, and that is counted", async () => {
  const bench = start();
  bench.world.away = true;
  await bench.time.pass(1_000);
  const events = Array.from({ length: MOST_WAITING + 5 }, (_each, index) => event(`${index}`));
  bench.publisher.offer(events);
  expect(bench.results).toEqual(Array.from({ length: 5 }, () => "lost"));
  bench.world.away = false;
  await bench.time.pass(600_000);
  expect(bench.posted).toHaveLength(MOST_WAITING);
  expect(bench.posted[0]).toBe("node-uid 5");
  await bench.stop();
});

test("an Event that could not be posted is tried again, those before it are not", async () => {
  let refuse = true;
  const tried: string[] = [];
  const bench = start({
    post: async ({ message }) => {
      tried.push(message);
      if (message === "two" && refuse) throw new Error("connection reset");
    },
  });
  bench.publisher.offer([event("one"), event("two"), event("three")]);
  await bench.time.pass(0);
  expect(bench.results).toEqual(["posted", "failed"]);
  refuse = false;
  await bench.time.pass(10_000);
  expect(tried).toEqual(["one", "two", "two", "three"]);
  await bench.stop();
});

test("an annotation is written when it changes, and never holds up Events", async () => {
  let refused = true;
  const bench = start({
    annotate: async (key, value) => {
      if (refused) throw new Error("forbidden");
      bench.annotated.push(`${key}=${value}`);
    },
  });
  bench.publisher.annotate("k", "1");
  bench.publisher.offer([event("one")]);
  await bench.time.pass(0);
  expect([bench.annotated, bench.posted]).toEqual([[], ["node-uid one"]]);
  expect(bench.lines.map(({ msg }) => msg)).toContain("annotation not written");
  refused = false;
  bench.publisher.annotate("k", "2");
  await bench.time.pass(0);
  bench.publisher.annotate("k", "2");
  bench.publisher.offer([event("two")]);
  await bench.time.pass(0);
  expect(bench.annotated).toEqual(["k=2"]);
  await bench.stop();
});

test("a lock that waits has the Node read as soon as it says, and an API server that is away tried each minute", async () => {
  const bench = start();
  await bench.time.pass(0);
  await bench.time.pass(600_000);
  expect(bench.world.asked).toBe(1);
  bench.world.lookAgainMillis = 20_000;
  bench.publisher.offer([event("one")]);
  await bench.time.pass(200_000);
  expect(bench.world.asked).toBe(12);
  bench.world.away = true;
  await bench.time.pass(3_600_000);
  expect(bench.world.asked).toBeGreaterThan(12 + 60);
  expect(bench.world.asked).toBeLessThan(12 + 130);
  bench.world.away = false;
  bench.world.lookAgainMillis = undefined;
  await bench.time.pass(60_000);
  const { asked } = bench.world;
  await bench.time.pass(600_000);
  expect(bench.world.asked).toBe(asked);
  await bench.stop();
});

test("a Node that may not be read has no lock that could be released, and Events go by its name", async () => {
  const bench = start({ readNode: async () => undefined });
  bench.world.lookAgainMillis = 1;
  bench.publisher.offer([event("one")]);
  await bench.time.pass(60_000);
  expect(bench.posted).toEqual([" one"]);
  expect(bench.time.sleeps.length).toBeLessThan(3);
  await bench.stop();
});

import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import type { KubeCall } from "./call.ts";
import { KubeError } from "./failure.ts";
import { textAt, type JsonObject } from "./json.ts";
import { makeReflection, type Reflection, type ReflectionOptions } from "./reflection.ts";
import type { WatchCall, WatchingConnection } from "./watch.ts";

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

type Watching = (call: WatchCall) => AsyncIterable<JsonObject>;

interface Script {
  /** Answers of the list, in order; the last one again and again. */
  readonly lists: readonly ((call: KubeCall) => unknown)[];
  /** Watches, in order; when there are no more they stay open. */
  readonly watches?: readonly Watching[];
}

const TIMES = {
  watchMillis: 1_000,
  graceMillis: 100,
  staleMillis: 60_000,
  backoff: { firstMillis: 10, maxMillis: 40 },
};

const thing = (name: string, resourceVersion: string, value = name): JsonObject => ({
  metadata: { name, resourceVersion },
  value,
});

function listOf(resourceVersion: string, names: readonly string[], more = ""): JsonObject {
  const items = names.map((name) => thing(name, "1"));
  return { kind: "ThingList", metadata: { resourceVersion, continue: more }, items };
}

const event = (type: string, object: JsonObject): JsonObject => ({ type, object });

function sends(...events: readonly JsonObject[]): Watching {
  return async function* watch({ onOpen }) {
    onOpen();
    for (const one of events) yield await Promise.resolve(one);
  };
}

function breaksAfter(...events: readonly JsonObject[]): Watching {
  return async function* watch({ doing, ...call }) {
    yield* sends(...events)({ doing, ...call });
    throw new KubeError(doing, { kind: "network", sentence: "reset" });
  };
}

async function* staysOpen({ onOpen, signal }: WatchCall): AsyncIterable<JsonObject> {
  onOpen();
  await sleep(60_000, undefined, { signal, ref: false }).catch(() => {});
  yield* [];
}

function start(script: Script, more: Partial<ReflectionOptions<string>> = {}) {
  const lists: KubeCall[] = [];
  const watches: WatchCall[] = [];
  const states: unknown[] = [];
  const kube: WatchingConnection = {
    server: "https://test",
    namespace: undefined,
    request(call) {
      lists.push(call);
      const answer = script.lists[Math.min(lists.length, script.lists.length) - 1];
      return Promise.resolve().then(() => answer?.(call));
    },
    watch(call) {
      watches.push(call);
      return (script.watches?.[watches.length - 1] ?? staysOpen)(call);
    },
    clockOffsetMillis: () => 0,
    close: () => Promise.resolve(),
  };
  const reflection: Reflection<string> = makeReflection(kube, {
    title: "Things",
    path: "/things",
    kind: "ThingList",
    pageSize: 2,
    keep: (object) => textAt(object, "value"),
    times: TIMES,
    monotonicMillis: () => performance.now(),
    random: () => 0.512345,
    onState: (state) => states.push(state === "listed" ? state : "failed"),
    ...more,
  });
  const stop = new AbortController();
  const running = reflection.run(stop.signal);
  stops.push(async () => {
    stop.abort();
    await running;
  });
  const names = () => [...(reflection.items()?.keys() ?? ["unknown"])].toSorted();
  const versions = () => watches.map(({ query }) => query?.["resourceVersion"]);
  return { reflection, lists, watches, states, names, versions };
}

const fails = (kind: "forbidden" | "unavailable" | "rejected", httpStatus: number) => (call: KubeCall) => {
  throw new KubeError(call.doing, { kind, sentence: "no", httpStatus });
};

test("before the first list nothing is known", () => {
  expect(start({ lists: [() => listOf("5", [])] }).reflection.items()).toBeUndefined();
});

test("a list in pages, then changes as they come; only what is kept stays", async () => {
  const changes = [
    event("ADDED", thing("c", "11")),
    event("MODIFIED", thing("a", "12", "new")),
    event("DELETED", thing("b", "13")),
    event("MODIFIED", { metadata: { name: "x", resourceVersion: "14" }, value: 7 }),
  ];
  const { reflection, lists, watches, names, versions } = start({
    lists: [() => listOf("10", ["a", "b"], "more"), () => listOf("10", ["x"])],
    watches: [sends(...changes), staysOpen],
  });
  await expect.poll(() => watches.length).toBe(2);
  expect(names()).toEqual(["a", "c"]);
  expect(reflection.items()?.get("a")).toBe("new");
  expect(lists.map(({ query }) => query)).toEqual([{ limit: "2" }, { limit: "2", continue: "more" }]);
  expect(versions()).toEqual(["10", "14"]);
  // Longer than the API server is asked to take, and whole, as Node wants it.
  expect(watches[0]?.timeoutMillis).toBe(2_000 + TIMES.graceMillis);
  expect(watches[0]?.query).toMatchObject({ timeoutSeconds: "2", allowWatchBookmarks: "true" });
});

test("a watch that breaks goes on where it was, without another list", async () => {
  const bookmark = event("BOOKMARK", { metadata: { resourceVersion: "20" } });
  const { lists, names, versions } = start({
    lists: [() => listOf("10", ["a"])],
    watches: [breaksAfter(event("ADDED", thing("b", "11"))), breaksAfter(bookmark), staysOpen],
  });
  await expect.poll(versions).toEqual(["10", "11", "20"]);
  expect(lists).toHaveLength(1);
  expect(names()).toEqual(["a", "b"]);
});

test.each<[string, Watching]>([
  ["in an event", sends(event("ERROR", { kind: "Status", code: 410, message: "too old" }))],
  [
    "as the answer",
    ({ doing }) => {
      throw new KubeError(doing, { kind: "rejected", sentence: "too old", httpStatus: 410 });
    },
  ],
])("410 %s: it lists again, and knows what it knew until then", async (_how, gone) => {
  const known: string[][] = [];
  const { names, versions } = start({
    lists: [
      () => listOf("10", ["a"]),
      (call) => {
        known.push(names());
        return fails("unavailable", 503)(call);
      },
      () => listOf("30", ["b"]),
    ],
    watches: [gone, staysOpen],
  });
  await expect.poll(versions).toEqual(["10", "30"]);
  expect(known).toEqual([["a"]]);
  expect(names()).toEqual(["b"]);
});

test("another error in an event is no reason to list", async () => {
  const { lists, versions } = start({
    lists: [() => listOf("10", ["a"])],
    watches: [sends(event("ERROR", { kind: "Status", code: 500, message: "oh" })), staysOpen],
  });
  await expect.poll(versions).toEqual(["10", "10"]);
  expect(lists).toHaveLength(1);
});

test("without the right to list nothing is known, and it is tried again with pauses that are bounded", async () => {
  const { reflection, lists, states } = start({ lists: [fails("forbidden", 403)] });
  await sleep(400);
  expect(reflection.items()).toBeUndefined();
  // Pauses of 7.5, 15, then 30 ms: 14 in 400 ms; fewer on a busy machine.
  expect(lists.length).toBeLessThan(18);
  await expect.poll(() => lists.length).toBeGreaterThan(2);
  expect(new Set(states)).toEqual(new Set(["failed"]));
});

test("a server that ends every watch at once is not asked in a loop", async () => {
  const { watches, lists } = start({
    lists: [() => listOf("10", ["a"])],
    watches: Array.from({ length: 1_000 }, () => sends()),
  });
  await sleep(400);
  expect(watches.length).toBeLessThan(18);
  expect(lists).toHaveLength(1);
});

test("what is too old is not known any more, and is read anew", async () => {
  let nowMillis = 0;
  const server = { isUp: true };
  const { reflection, lists, names } = start(
    {
      lists: [
        () => listOf("10", ["a"]),
        (call) => (server.isUp ? listOf("90", ["z"]) : fails("unavailable", 503)(call)),
      ],
      watches: [
        async function* hangs({ doing, onOpen }) {
          onOpen();
          while (server.isUp) await sleep(5);
          yield* breaksUnopened({ doing });
        },
        ...Array.from({ length: 1_000 }, (): Watching => breaksUnopened),
      ],
    },
    { monotonicMillis: () => nowMillis },
  );
  await expect.poll(names).toEqual(["a"]);
  server.isUp = false;
  nowMillis = TIMES.staleMillis;
  expect(names()).toEqual(["a"]);
  nowMillis += 1;
  expect(reflection.items()).toBeUndefined();
  await expect.poll(() => lists.length).toBeGreaterThan(1);
  expect(reflection.items()).toBeUndefined();
  server.isUp = true;
  await expect.poll(names).toEqual(["z"]);
});

async function* breaksUnopened({ doing }: Pick<WatchCall, "doing">): AsyncIterable<JsonObject> {
  yield* [];
  await Promise.resolve();
  throw new KubeError(doing, { kind: "network", sentence: "refused" });
}

test.each<[string, unknown]>([
  ["another kind", { kind: "PodList", metadata: { resourceVersion: "1" }, items: [] }],
  ["no version", { kind: "ThingList", metadata: {}, items: [] }],
  ["items that are no list", { kind: "ThingList", metadata: { resourceVersion: "1" }, items: "x" }],
  ["nothing", null],
])("an answer with %s is a failure", async (_what, answer) => {
  const { reflection, states } = start({ lists: [() => answer] });
  await expect.poll(() => states.length).toBeGreaterThan(0);
  expect(reflection.items()).toBeUndefined();
});

test("the list that the API server leaves empty is known to be empty", async () => {
  const { reflection } = start({
    lists: [() => ({ kind: "ThingList", metadata: { resourceVersion: "1" }, items: null })],
  });
  await expect.poll(() => reflection.items()?.size).toBe(0);
});

import { afterEach, expect, test } from "vitest";
import { failureOf } from "./failure.ts";
import type { JsonObject } from "./json.ts";
import type { HttpAnswer } from "./requester.ts";
import { ApiServer, status, type ApiAnswer } from "./testing/api-server.ts";
import { connectInCluster } from "./connect.ts";
import { makeWatch, type WatchCall, type WatchingConnection } from "./watch.ts";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

function call(more: Partial<WatchCall> = {}): WatchCall {
  const signal = new AbortController().signal;
  return { doing: "watch", path: "/watch", timeoutMillis: 60_000, onOpen: () => {}, signal, ...more };
}

async function all(events: AsyncIterable<JsonObject>): Promise<JsonObject[]> {
  const found: JsonObject[] = [];
  for await (const event of events) found.push(event);
  return found;
}

async function failureFrom(events: AsyncIterable<JsonObject>) {
  try {
    await all(events);
  } catch (thrown) {
    return failureOf(thrown);
  }
  throw new Error("expected it to fail");
}

async function* chunksOf(text: string, bytes: number): AsyncIterable<Uint8Array> {
  const whole = Buffer.from(text);
  for (let at = 0; at < whole.length; at += bytes) {
    yield await Promise.resolve(whole.subarray(at, at + bytes));
  }
}

function watchOf(body: HttpAnswer["body"]): WatchingConnection["watch"] {
  const send = async (): Promise<HttpAnswer> => Promise.resolve({ status: 200, headers: {}, body });
  return makeWatch({ send, renew: () => false });
}

async function connected(answer: ApiAnswer): Promise<{ server: ApiServer; kube: WatchingConnection }> {
  const server = await new ApiServer(() => answer).listen();
  open.push(server);
  const world = { env: server.env, directory: server.credentials };
  const kube = await connectInCluster(world);
  open.unshift(kube);
  return { server, kube };
}

test.each([1, 2, 3, 7, 1_000])("events are whole, however they are cut: %i bytes at once", async (bytes) => {
  const text = '{"type":"ADDED","object":{"a":"ä€😀"}}\n\n{"type":"BOOKMARK"}\n{"type":"CUT';
  const expected = [{ type: "ADDED", object: { a: "ä€😀" } }, { type: "BOOKMARK" }];
  expect(await all(watchOf(chunksOf(text, bytes))(call()))).toEqual(expected);
});

test("over a connection: the events, and that the watch was taken", async () => {
  const { server, kube } = await connected({ status: 200, text: '{"type":"ADDED"}\n{"type":"DELETED"}\n' });
  let isOpen = false;
  const events = kube.watch(call({ query: { watch: "1" }, onOpen: () => (isOpen = true) }));
  expect(await all(events)).toEqual([{ type: "ADDED" }, { type: "DELETED" }]);
  expect(isOpen).toBe(true);
  expect(server.requests[0]?.query.get("watch")).toBe("1");
});

test.each<[string, ApiAnswer, object]>([
  ["a version that is too old", status(410, "Expired", "too old"), { httpStatus: 410 }],
  ["no right", status(403, "Forbidden", "no"), { kind: "forbidden" }],
  ["a page instead", { status: 200, text: "<html>\n</html>\n" }, { kind: "garbage" }],
  ["a cut connection", "cut", { kind: "network" }],
])("%s is a failure", async (_what, answer, expected) => {
  const { kube } = await connected(answer);
  expect(await failureFrom(kube.watch(call()))).toMatchObject(expected);
});

test("silence is a failure at the deadline", async () => {
  const { kube } = await connected("silence");
  expect(await failureFrom(kube.watch(call({ timeoutMillis: 300 })))).toMatchObject({ kind: "timeout" });
});

test("after a 401 the token is read anew", async () => {
  const { server, kube } = await connected(status(401, "Unauthorized", "who?"));
  await failureFrom(kube.watch(call()));
  server.writeCredential("token", "token-2");
  await failureFrom(kube.watch(call()));
  expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([
    "Bearer token-1",
    "Bearer token-2",
  ]);
});

test("an event that never ends is not read for ever", async () => {
  async function* endless(): AsyncIterable<Uint8Array> {
    for (;;) yield await Promise.resolve(Buffer.alloc(1_000_000, "a"));
  }
  expect(await failureFrom(watchOf(endless())(call()))).toMatchObject({ kind: "garbage" });
});

test("the caller's signal ends it", async () => {
  const { kube } = await connected("silence");
  const stop = new AbortController();
  const failing = failureFrom(kube.watch(call({ signal: stop.signal })));
  stop.abort();
  expect(await failing).toMatchObject({ kind: "aborted" });
});

import { afterAll, beforeEach, expect, test } from "vitest";
import { EventBudget } from "./event-budget.ts";
import { isObject, objectAt } from "./json.ts";
import { makeNodeEvents, type NodeEvent, type NodeEvents, type NodeEventsOptions } from "./node-events.ts";
import { ApiServer, status, type ApiAnswer, type ApiRequest } from "./testing/api-server.ts";

const signal = new AbortController().signal;
const server = await new ApiServer(created).listen();
const kube = await server.connect();
let nowMillis = 0;
let suffixes = 0;

afterAll(async () => {
  await kube.close();
  await server.close();
});
beforeEach(() => {
  server.answer = created;
  server.requests.length = 0;
  nowMillis = 0;
  suffixes = 0;
});

function created(_request: ApiRequest): ApiAnswer {
  return { status: 201, json: {} };
}

function make(more: Partial<NodeEventsOptions> = {}): NodeEvents {
  return makeNodeEvents(kube, {
    component: "nodelatch-webhook",
    instance: "pod-1",
    wallMillis: () => Date.UTC(2030, 0, 1) + nowMillis,
    monotonicMillis: () => nowMillis,
    randomSuffix: () => `s${(suffixes += 1)}`,
    ...more,
  });
}

const refused: NodeEvent = {
  nodeName: "n1",
  nodeUid: "uid-1",
  type: "Warning",
  reason: "UncordonRefused",
  message: "bob may not uncordon n1",
};

function bodies(): readonly unknown[] {
  return server.requests.map(({ body }) => body);
}

test("an Event is one that kubectl describe node shows: in default, on the Node by name and uid", async () => {
  expect(await make().post(refused, signal)).toBe("created");
  expect(server.requests[0]).toMatchObject({
    method: "POST",
    path: "/api/v1/namespaces/default/events",
    body: {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: "n1.s1", namespace: "default" },
      involvedObject: { apiVersion: "v1", kind: "Node", name: "n1", uid: "uid-1" },
      type: "Warning",
      reason: "UncordonRefused",
      message: "bob may not uncordon n1",
      source: { component: "nodelatch-webhook" },
      reportingComponent: "nodelatch-webhook",
      reportingInstance: "pod-1",
      firstTimestamp: "2030-01-01T00:00:00Z",
      lastTimestamp: "2030-01-01T00:00:00Z",
      count: 1,
    },
  });
});

test("a node whose uid is not known is found by its name as uid, as the kubelet's Events are", async () => {
  await make().post({ ...refused, nodeUid: "" }, signal);
  expect(objectAt(bodies()[0], "involvedObject")?.["uid"]).toBe("n1");
});

test("the same event again within the window counts up by patch, with the time of the last", async () => {
  const events = make();
  await events.post(refused, signal);
  nowMillis = 60_000;
  expect(await events.post(refused, signal)).toBe("counted");
  expect(server.requests).toHaveLength(2);
  const name = objectAt(bodies()[0], "metadata")?.["name"];
  expect(server.requests[1]).toMatchObject({
    method: "PATCH",
    path: `/api/v1/namespaces/default/events/${String(name)}`,
    body: { count: 2, lastTimestamp: "2030-01-01T00:01:00Z" },
  });
  expect(server.requests[1]?.headers["content-type"]).toBe("application/merge-patch+json");
});

test("another message, node, reason or type is another Event", async () => {
  const events = make();
  const others = [{ message: "ann" }, { nodeName: "n2" }, { reason: "Other" }, { type: "Normal" } as const];
  for (const other of [{}, ...others]) await events.post({ ...refused, ...other }, signal);
  expect(server.requests.map(({ method }) => method)).toEqual(["POST", "POST", "POST", "POST", "POST"]);
});

test("after the window it is a new Event, with a count of its own", async () => {
  const events = make({ windowMillis: 1_000 });
  await events.post(refused, signal);
  nowMillis = 1_001;
  expect(await events.post(refused, signal)).toBe("created");
  expect(bodies()[1]).toMatchObject({ count: 1 });
});

test("an Event that the API server forgot is made again, with the whole count", async () => {
  const events = make();
  await events.post(refused, signal);
  server.answer = (request) =>
    request.method === "PATCH" ? status(404, "NotFound", "gone") : created(request);
  expect(await events.post(refused, signal)).toBe("created");
  expect(bodies().at(-1)).toMatchObject({ kind: "Event", count: 2, firstTimestamp: "2030-01-01T00:00:00Z" });
});

test("a burst while one is being written becomes one more write with all of them counted", async () => {
  const events = make();
  const { promise: gate, resolve: openGate } = Promise.withResolvers<void>();
  server.answer = async (request) => {
    await gate;
    return created(request);
  };
  const first = events.post(refused, signal);
  const others = await Promise.all(Array.from({ length: 50 }, () => events.post(refused, signal)));
  expect(new Set(others)).toEqual(new Set(["merged"]));
  openGate();
  expect(await first).toBe("counted");
  expect(bodies().map((body) => (isObject(body) ? body["count"] : 0))).toEqual([1, 51]);
});

test("a node's budget bounds the writes, and what it held back is in a later count", async () => {
  const events = make({ budget: new EventBudget({ burst: 2, refillMillis: 30_000, maxNodes: 10 }) });
  const outcomes: string[] = [];
  for (let post = 0; post < 5; post += 1) outcomes.push(await events.post(refused, signal));
  expect(outcomes).toEqual(["created", "counted", "limited", "limited", "limited"]);
  expect(await events.post({ ...refused, nodeName: "n2" }, signal)).toBe("created");
  nowMillis = 30_000;
  expect(await events.post(refused, signal)).toBe("counted");
  expect(bodies().at(-1)).toMatchObject({ count: 6 });
});

test("one Event again and again does not hide the next one: half of the budget is for news", async () => {
  const events = make();
  const outcomes: string[] = [];
  for (let post = 0; post < 20; post += 1) outcomes.push(await events.post(refused, signal));
  expect(outcomes).toEqual([
    "created",
    ...Array<string>(4).fill("counted"),
    ...Array<string>(15).fill("limited"),
  ]);
  const others: string[] = [];
  for (let post = 0; post < 6; post += 1) {
    others.push(await events.post({ ...refused, message: `another reason, ${post}` }, signal));
  }
  expect(others).toEqual([...Array<string>(5).fill("created"), "limited"]);
  // A refill of 30 s is for news as well: the rest of the counts waits until half is there again.
  nowMillis = 30_000;
  expect(await events.post(refused, signal)).toBe("limited");
  expect(await events.post({ ...refused, message: "another reason, 5" }, signal)).toBe("created");
  nowMillis = 30_000 + 6 * 30_000;
  expect(await events.post(refused, signal)).toBe("counted");
  expect(bodies().at(-1)).toMatchObject({ count: 22 });
});

test("the budget forgets the node that was quiet longest, not the one in use", () => {
  const budget = new EventBudget({ burst: 1, refillMillis: 1_000, maxNodes: 2 });
  expect([budget.take("a", 0), budget.take("b", 0), budget.take("a", 0), budget.take("c", 0)]).toEqual([
    true,
    true,
    false,
    true,
  ]);
  // b was forgotten and starts anew; a is remembered to be empty.
  expect([budget.take("a", 500), budget.take("b", 500)]).toEqual([false, true]);
});

test("a write that fails throws, and the next post carries its count", async () => {
  const events = make();
  server.answer = () => status(403, "Forbidden", "may not create events");
  await expect(events.post(refused, signal)).rejects.toThrow(
    /post Event UncordonRefused on Node n1: may not create/,
  );
  server.answer = created;
  expect(await events.post(refused, signal)).toBe("created");
  expect(bodies().at(-1)).toMatchObject({ count: 2 });
});

test("names stay valid and messages short, whatever the node is called", async () => {
  const nodeName = `${"a".repeat(219)}-${"b".repeat(33)}`;
  await make().post({ ...refused, nodeName, message: "x".repeat(5_000) }, signal);
  const name = objectAt(bodies()[0], "metadata")?.["name"];
  expect(name).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);
  expect(String(name).length).toBeLessThanOrEqual(253);
  expect(bodies()[0]).toMatchObject({ message: "x".repeat(1_024) });
});

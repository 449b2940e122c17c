import { afterAll, beforeEach, expect, test } from "vitest";
import { lockRecord } from "../lock/fixture.ts";
import { writeRecord } from "../lock/record.ts";
import type { KubeCall } from "./call.ts";
import { failureOf } from "./failure.ts";
import { askGate } from "./gate-facts.ts";
import { ApiServer, status, type ApiAnswer, type ApiRequest } from "./testing/api-server.ts";

const signal = new AbortController().signal;
const NODE = "/api/v1/nodes/n1";
const record = lockRecord({ acquiredAt: "2020-01-01T00:00:00Z" });

const server = await new ApiServer(answer).listen();
const kube = await server.connect();
let nodes: ApiAnswer[] = [];
let pages: ApiAnswer[] = [];

afterAll(async () => {
  await kube.close();
  await server.close();
});
beforeEach(() => {
  server.requests.length = 0;
  nodes = [];
  pages = [];
});

/** The last of each stays. */
function answer({ path }: ApiRequest): ApiAnswer {
  const queue = path.startsWith(NODE) ? nodes : pages;
  const [first] = queue;
  if (queue.length > 1) queue.shift();
  return first ?? status(500, "InternalError", "nothing prepared");
}

function node(
  part: { lock?: string; cordoned?: boolean; name?: string; heartbeat?: string } = {},
): ApiAnswer {
  const lock = part.lock ?? writeRecord(record);
  return {
    status: 200,
    json: {
      kind: "Node",
      metadata: {
        name: part.name ?? "n1",
        uid: "uid-n1",
        resourceVersion: part.heartbeat ?? "1",
        annotations: lock === "none" ? {} : { "nodelatch.io/reboot-lock": lock },
      },
      spec: part.cordoned === false ? {} : { unschedulable: true },
      status: { nodeInfo: { bootID: "boot-1" } },
    },
  };
}

function page(names: readonly string[], next = ""): ApiAnswer {
  const items = names.map((name) => ({
    metadata: { namespace: "ns", name, creationTimestamp: "2020-01-01T00:00:00Z" },
    spec: { nodeName: "n1" },
    status: { phase: "Running" },
  }));
  return { status: 200, json: { kind: "PodList", metadata: { continue: next }, items } };
}

const ask = async (runningBootID?: string, holder?: string, timeoutMillis = 60_000) =>
  askGate(kube, {
    nodeName: "n1",
    runningBootID,
    holder,
    wallMillis: () => Date.now(),
    timeoutMillis,
    signal,
  });

test("a locked, cordoned, empty node is open, by live requests alone", async () => {
  nodes = [node()];
  pages = [page([])];
  expect(await ask("boot-1")).toEqual({ kind: "open", record });
  const paths = server.requests.map(({ path }) => path);
  expect(paths).toEqual([NODE, "/api/v1/pods", NODE]);
  expect(server.requests[1]?.query.get("fieldSelector")).toBe("spec.nodeName=n1");
  // With a resourceVersion the API server may answer from its cache.
  expect(server.requests.some(({ query }) => query.has("resourceVersion"))).toBe(false);
});

test("the running kernel's boot ID is compared, and the node's own where that is all there is", async () => {
  nodes = [node()];
  pages = [page([])];
  expect(await ask("boot-2")).toMatchObject({ reasons: [{ rule: "boot-changed" }] });
  expect((await ask()).kind).toBe("open");
});

test("the lock must be that of the holder who was named", async () => {
  nodes = [node()];
  pages = [page([])];
  expect(await ask("boot-1", "kured")).toMatchObject({ reasons: [{ rule: "other-holder" }] });
  expect((await ask("boot-1", "alice")).kind).toBe("open");
});

test("pods of all pages count", async () => {
  nodes = [node()];
  pages = [page([], "more"), page(["last"])];
  expect(await ask("boot-1")).toMatchObject({ reasons: [{ text: "1 pod is left: ns/last" }] });
  expect(server.requests[2]?.query.get("continue")).toBe("more");
});

test("a node that was uncordoned while its pods were listed is looked at again", async () => {
  nodes = [node(), node({ cordoned: false })];
  pages = [page([])];
  expect(await ask("boot-1")).toMatchObject({ reasons: [{ rule: "not-cordoned" }] });
  expect(server.requests).toHaveLength(5);
});

test("a lock that was taken anew while pods were listed is looked at again", async () => {
  const other = writeRecord(lockRecord({ acquiredAt: "2020-01-01T00:00:01Z" }));
  nodes = [node(), node({ lock: other })];
  pages = [page([])];
  expect((await ask("boot-1")).kind).toBe("open");
  expect(server.requests).toHaveLength(5);
});

test("a heartbeat in between is nothing", async () => {
  nodes = [node(), node({ heartbeat: "2" })];
  pages = [page([])];
  await ask("boot-1");
  expect(server.requests).toHaveLength(3);
});

test("a node that does not hold still gives no answer", async () => {
  nodes = [node(), node({ cordoned: false }), node(), node({ cordoned: false })];
  pages = [page([])];
  await expect(ask("boot-1")).rejects.toThrow("look at Node n1: lock or cordon changed each time in 3 looks");
});

test("a node that is not there closes the gate", async () => {
  nodes = [status(404, "NotFound", "not found")];
  expect(await ask("boot-1")).toEqual({
    kind: "closed",
    mayOpen: false,
    reasons: [{ rule: "no-node", text: "node n1 does not exist", mayPass: false }],
  });
});

test("the expiry is judged by the API server's clock, however wrong ours is", async () => {
  const expiresAt = `${new Date(Date.now() - 3_600_000).toISOString().slice(0, 19)}Z`;
  nodes = [node({ lock: writeRecord({ ...record, expiresAt }) })];
  pages = [page([])];
  const slow = { nodeName: "n1", runningBootID: "boot-1", wallMillis: () => Date.now() - 86_400_000, signal };
  const measured = {
    request: async (call: KubeCall) => kube.request(call),
    clockOffsetMillis: () => 86_400_000,
  };
  expect(await askGate(measured, slow)).toMatchObject({ reasons: [{ rule: "expired" }] });
});

test.each<[string, ApiAnswer[], ApiAnswer[], string]>([
  ["another node", [node({ name: "n2" })], [page([])], "garbage"],
  ["no node at all", [{ status: 200, json: [] }], [page([])], "garbage"],
  ["a page that is no list of pods", [node()], [{ status: 200, json: { kind: "Status" } }], "garbage"],
  [
    "pods of another node",
    [node()],
    [{ status: 200, json: { kind: "PodList", items: [{ metadata: {} }] } }],
    "garbage",
  ],
  ["pages without end", [node()], [page([], "more")], "garbage"],
  ["no right to list pods", [node()], [status(403, "Forbidden", "no")], "forbidden"],
  ["a server that is down", [status(503, "ServiceUnavailable", "later")], [], "unavailable"],
])("%s is no answer, and never an open gate", async (_name, givenNodes, givenPages, kind) => {
  nodes = givenNodes;
  pages = givenPages;
  const thrown: unknown = await ask("boot-1").catch((error: unknown) => error);
  expect(failureOf(thrown).kind).toBe(kind);
});

test("silence is no answer at the deadline, and never an open gate", async () => {
  nodes = ["silence"];
  const thrown: unknown = await ask("boot-1", undefined, 500).catch((error: unknown) => error);
  expect(failureOf(thrown).kind).toBe("timeout");
});

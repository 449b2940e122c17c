import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { textAt } from "../kube/json.ts";
import { connectInCluster } from "../kube/lean/connect.ts";
import { ApiServer, status } from "../kube/testing/api-server.ts";
import { agentApi } from "./kube-api.ts";
import type { AgentApi } from "./publisher.ts";

const never = new AbortController().signal;
const EVENT = { type: "Normal", reason: "StuckContainerRemoved", message: "removed one" } as const;

let server: ApiServer;
let api: AgentApi;
beforeEach(async () => {
  server = await new ApiServer(({ method }) =>
    method === "GET"
      ? { status: 200, json: { kind: "Node", metadata: { name: "n1", uid: "u-1" } } }
      : { status: 201, json: {} },
  ).listen();
  api = agentApi(await server.connect(undefined, connectInCluster), { nodeName: "n1", instance: "agent-x" });
});
afterEach(async () => {
  await api.close();
  await server.close();
});

test("reads its own Node and posts an Event about it", async () => {
  const before = Date.now();
  const node = await api.readNode(never);
  expect(node).toMatchObject({ uid: "u-1", raw: { kind: "Node", metadata: { name: "n1" } } });
  // The server's clock is this machine's, but its Date has whole seconds, and a busy machine takes some for an answer.
  expect(Math.abs((node?.atMillis ?? 0) - before)).toBeLessThan(60_000);
  await api.post(EVENT, node?.uid ?? "", never);
  expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
    "GET /api/v1/nodes/n1",
    "POST /api/v1/namespaces/default/events",
  ]);
  expect(server.requests[1]?.body).toMatchObject({
    ...EVENT,
    involvedObject: { kind: "Node", name: "n1", uid: "u-1" },
    source: { component: "nodelatch-agent" },
    reportingInstance: "agent-x",
  });
});

test.each([
  [403, "Forbidden"],
  [404, "NotFound"],
])(
  "a Node that it may not read or that is gone (%i) has no UID, and Events go by its name",
  async (code, reason) => {
    server.answer = () => status(code, reason, "no");
    expect(await api.readNode(never)).toBeUndefined();
  },
);

test.each([
  ["an API server in trouble", status(503, "ServiceUnavailable", "later")],
  ["a proxy's page", { status: 200, text: "<html>" }],
  ["an answer without a UID", { status: 200, json: { metadata: {} } }],
] as const)("%s is an error", async (_what, answer) => {
  server.answer = () => answer;
  await expect(api.readNode(never)).rejects.toThrow("read Node n1");
});

test("an annotation of its own Node is written if it has another value", async () => {
  server.answer = ({ method }) =>
    method === "GET"
      ? { status: 200, json: { metadata: { annotations: { "nodelatch.io/boot-report": "old" } } } }
      : { status: 200, json: {} };
  await api.annotate("nodelatch.io/boot-report", "old", never);
  await api.annotate("nodelatch.io/boot-report", "new", never);
  expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
    "GET /api/v1/nodes/n1",
    "GET /api/v1/nodes/n1",
    "PATCH /api/v1/nodes/n1",
  ]);
  expect(server.requests.at(-1)?.body).toEqual({
    metadata: { annotations: { "nodelatch.io/boot-report": "new" } },
  });
});

test("by the API server's clock it is an hour later", async () => {
  const headers = { date: new Date(Date.now() + 3_600_000).toUTCString() };
  server.answer = () => ({ status: 200, json: { kind: "Node", metadata: { uid: "u-1" } }, headers });
  const node = await api.readNode(never);
  expect(Math.abs((node?.atMillis ?? 0) - Date.now() - 3_600_000)).toBeLessThan(60_000);
});

test("what the node's wall clock steps by changes nothing of that", async () => {
  const real = Date.now.bind(Date);
  await api.readNode(never);
  vi.spyOn(Date, "now").mockImplementation(() => real() - 3_600_000);
  try {
    const node = await api.readNode(never);
    expect(Math.abs((node?.atMillis ?? 0) - real())).toBeLessThan(60_000);
    await api.post(EVENT, "u-1", never);
    const lastTimestamp = textAt(server.requests.at(-1)?.body, "lastTimestamp") ?? "";
    expect(Math.abs(Date.parse(lastTimestamp) - real())).toBeLessThan(60_000);
  } finally {
    vi.restoreAllMocks();
  }
});

describe("the lock's removal", () => {
  const LOCK = "nodelatch.io/reboot-lock";
  const write = { uid: "u-1", resourceVersion: "7", uncordon: true };

  test("is one write that holds only for the Node as it was read", async () => {
    server.answer = () => ({ status: 200, json: { kind: "Node", metadata: { annotations: { a: "b" } } } });
    expect(await api.release(write, never)).toEqual({ kind: "released", cordoned: false });
    expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      "PATCH /api/v1/nodes/n1",
    ]);
    expect(server.requests[0]?.headers["content-type"]).toBe("application/merge-patch+json");
    expect(server.requests[0]?.body).toEqual({
      metadata: { uid: "u-1", resourceVersion: "7", annotations: { [LOCK]: null } },
      spec: { unschedulable: null },
    });
  });

  test("leaves the cordon that was there before the lock", async () => {
    server.answer = () => ({ status: 200, json: { metadata: {}, spec: { unschedulable: true } } });
    expect(await api.release({ ...write, uncordon: false }, never)).toEqual({
      kind: "released",
      cordoned: true,
    });
    expect(server.requests[0]?.body).toEqual({
      metadata: { uid: "u-1", resourceVersion: "7", annotations: { [LOCK]: null } },
    });
  });

  test("meets a conflict if the Node has changed since", async () => {
    server.answer = () => status(409, "Conflict", "the object has been modified");
    expect(await api.release(write, never)).toEqual({ kind: "conflict" });
  });

  test.each([
    ["the guard's refusal", status(403, "Forbidden", "not rebooted"), "not rebooted"],
    ["a webhook that is away", status(500, "InternalError", "failed calling webhook"), "failed calling"],
    [
      "a lock that somebody has put back",
      { status: 200, json: { metadata: { annotations: { [LOCK]: "x" } } } },
      "still there",
    ],
    ["an answer that is no Node", { status: 200, json: {} }, "no Node"],
  ] as const)("fails by %s", async (_what, answer, words) => {
    server.answer = () => answer;
    await expect(api.release(write, never)).rejects.toThrow(words);
  });

  test("is never sent twice, as nobody knows what became of the first", async () => {
    server.answer = () => "cut";
    await expect(api.release(write, never)).rejects.toThrow("release the reboot lock of Node n1");
    expect(server.requests).toHaveLength(1);
  });
});

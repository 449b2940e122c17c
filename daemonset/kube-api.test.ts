import { afterEach, beforeEach, expect, test } from "vitest";
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
  const uid = await api.nodeUID(never);
  await api.post(EVENT, uid, never);
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
    expect(await api.nodeUID(never)).toBe("");
  },
);

test.each([
  ["an API server in trouble", status(503, "ServiceUnavailable", "later")],
  ["a proxy's page", { status: 200, text: "<html>" }],
  ["an answer without a UID", { status: 200, json: { metadata: {} } }],
] as const)("%s is an error", async (_what, answer) => {
  server.answer = () => answer;
  await expect(api.nodeUID(never)).rejects.toThrow("read Node n1");
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

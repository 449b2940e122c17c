import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import type { KubeCall, KubeConnection } from "../call.ts";
import { failureOf, type KubeFailureKind } from "../failure.ts";
import { ApiServer } from "../testing/api-server.ts";
import { makeLeanConnection, type Access } from "./connection.ts";

// What holds over client-node as well is in ../connection.test.ts.

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

async function serve(): Promise<ApiServer> {
  const server = await new ApiServer(() => ({ status: 200, json: {} })).listen();
  open.push(server);
  return server;
}

function connect(server: ApiServer, more: Partial<Access> = {}): KubeConnection {
  const kube = makeLeanConnection({
    server: `https://127.0.0.1:${server.port}`,
    namespace: undefined,
    credentials: async () => ({ ca: server.authority.certPem, pair: undefined, token: undefined }),
    renew: () => false,
    wallMillis: () => Date.now(),
    ...more,
  });
  open.unshift(kube);
  return kube;
}

function call(more: Partial<KubeCall> = {}): KubeCall {
  return { doing: "ask", method: "GET", path: "/version", signal: new AbortController().signal, ...more };
}

test("query, body and its kind arrive, and nothing is sent of credentials that there are not", async () => {
  const server = await serve();
  const kube = connect(server, { server: `https://127.0.0.1:${server.port}/` });
  const body = { text: "größer" };
  const contentType = "application/merge-patch+json";
  await kube.request(call({ method: "PATCH", query: { fieldManager: "a b&c" }, body, contentType }));
  await kube.request(call());
  const [patch, get] = server.requests;
  expect(patch).toMatchObject({ method: "PATCH", path: "/version", body });
  expect(patch?.query.get("fieldManager")).toBe("a b&c");
  expect(patch?.headers).toMatchObject({ "content-type": contentType, accept: "application/json" });
  expect(get?.headers["content-type"]).toBeUndefined();
  expect(get?.headers.authorization).toBeUndefined();
});

test("a connection that nobody needs is closed", async () => {
  const server = await serve();
  const kube = connect(server, { idleMillis: 50 });
  await kube.request(call());
  for (let tries = 0; server.openConnections > 0; tries += 1) {
    expect(tries).toBeLessThan(100);
    await delay(20);
  }
  await kube.request(call());
  expect(server.tlsConnections).toBe(2);
});

test("without a CA of the cluster's, its certificate is trusted by nobody", async () => {
  const server = await serve();
  const kube = connect(server, {
    credentials: async () => ({ ca: undefined, pair: undefined, token: "secret" }),
  });
  const thrown: unknown = await kube.request(call()).catch((error: unknown) => error);
  expect(failureOf(thrown).kind).toBe("tls");
  expect(server.requests).toEqual([]);
});

test("a server name decides which certificate is right, whatever the address", async () => {
  const server = await serve();
  const thrown: unknown = await connect(server, { serverName: "kubernetes.default.svc" })
    .request(call())
    .catch((error: unknown) => error);
  expect(failureOf(thrown).kind).toBe("tls");
  expect(server.requests).toEqual([]);
});

test.each<[string, KubeFailureKind, (socket: Socket) => void]>([
  ["plain HTTP", "garbage", (socket) => void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")],
  ["another protocol", "garbage", (socket) => void socket.end("SSH-2.0-OpenSSH_9.2\r\n")],
  ["an end at once", "network", (socket) => void socket.destroy()],
])("a port that answers with %s fails the call, and nothing else", async (_what, kind, answer) => {
  const port = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => answer(socket));
  }).listen(0, "127.0.0.1");
  await once(port, "listening");
  const address = port.address();
  const number = typeof address === "object" ? (address?.port ?? 0) : 0;
  try {
    const server = await serve();
    const kube = connect(server, { server: `https://127.0.0.1:${number}` });
    const thrown: unknown = await kube
      .request(call({ timeoutMillis: 60_000 }))
      .catch((error: unknown) => error);
    expect(failureOf(thrown).kind).toBe(kind);
  } finally {
    port.close();
  }
});

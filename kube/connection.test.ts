import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { issueAuthority } from "../certs/authority.ts";
import { connectInCluster as connectByClientNode } from "./connect.ts";
import type { KubeCall, KubeConnection } from "./call.ts";
import { connectInCluster as connectLean } from "./lean/connect.ts";
import { failureOf, type KubeFailureKind } from "./failure.ts";
import { ApiServer, status, type ApiAnswer } from "./testing/api-server.ts";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

async function serve(answer: (request: { readonly path: string }) => ApiAnswer): Promise<ApiServer> {
  const server = await new ApiServer(answer).listen();
  open.push(server);
  return server;
}

function call(more: Partial<KubeCall> = {}): KubeCall {
  return { doing: "ask", method: "GET", path: "/version", signal: new AbortController().signal, ...more };
}

const ok = (): ApiAnswer => ({ status: 200, json: { ok: true } });

async function failureFrom(work: Promise<unknown>): Promise<{ kind: KubeFailureKind; message: string }> {
  try {
    await work;
  } catch (thrown) {
    return { kind: failureOf(thrown).kind, message: thrown instanceof Error ? thrown.message : "" };
  }
  throw new Error("expected it to fail");
}

describe.each([
  ["client-node", connectByClientNode],
  ["node:https", connectLean],
])("over %s", (_name, way) => {
  async function connect(server: ApiServer, monotonicMillis?: () => number): Promise<KubeConnection> {
    const kube = await server.connect(monotonicMillis, way);
    open.unshift(kube);
    return kube;
  }

  test("a hundred calls one after the other open at most two TLS connections", async () => {
    const server = await serve(ok);
    const kube = await connect(server);
    for (let count = 0; count < 100; count += 1) await kube.request(call());
    expect(server.requests).toHaveLength(100);
    // Two, because undici counts a connection as busy for a moment after its answer.
    expect(server.tlsConnections).toBeLessThanOrEqual(2);
  });

  test("two hundred calls, ten at a time, open connections for ten and not for each", async () => {
    const server = await serve(ok);
    const kube = await connect(server);
    for (let round = 0; round < 20; round += 1) {
      await Promise.all(Array.from({ length: 10 }, () => kube.request(call())));
    }
    expect(server.requests).toHaveLength(200);
    expect(server.tlsConnections).toBeLessThanOrEqual(30);
  });

  test("a changed CA file gets a new connection that is verified against it", async () => {
    const server = await serve(ok);
    const kube = await connect(server);
    await kube.request(call());
    server.writeCredential("ca.crt", issueAuthority(Date.now(), 60_000).certPem);
    expect((await failureFrom(kube.request(call()))).kind).toBe("tls");
    server.writeCredential("ca.crt", server.authority.certPem);
    await kube.request(call());
    // The one in between was never sent.
    expect(server.requests).toHaveLength(2);
  });

  test("the token goes with each call and is read again after a minute", async () => {
    const server = await serve(ok);
    let now = 0;
    const kube = await connect(server, () => now);
    await kube.request(call());
    server.writeCredential("token", "token-2");
    now = 59_000;
    await kube.request(call());
    now = 61_000;
    await kube.request(call());
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([
      "Bearer token-1",
      "Bearer token-1",
      "Bearer token-2",
    ]);
  });

  test("after a 401 the token is read at once and the call tried once more", async () => {
    const server = await serve(() => status(401, "Unauthorized", "Unauthorized"));
    const kube = await connect(server);
    await failureFrom(kube.request(call()));
    expect(server.requests).toHaveLength(2);
    server.requests.length = 0;
    server.writeCredential("token", "token-2");
    server.answer = ({ headers }) =>
      headers.authorization === "Bearer token-2" ? ok() : status(401, "Unauthorized", "Unauthorized");
    expect(await kube.request(call({ method: "POST", body: { a: 1 } }))).toEqual({ ok: true });
    expect(server.requests.map(({ body }) => body)).toEqual([{ a: 1 }, { a: 1 }]);
  });

  test("a token file that vanishes does not take the token that works", async () => {
    const server = await serve(ok);
    let now = 0;
    const kube = await connect(server, () => now);
    server.writeCredential("token", "");
    now = 120_000;
    await kube.request(call());
    expect(server.requests[0]?.headers.authorization).toBe("Bearer token-1");
  });

  test.each<[string, ApiAnswer, KubeFailureKind, RegExp]>([
    ["401", status(401, "Unauthorized", "Unauthorized"), "unauthenticated", /^ask: Unauthorized$/],
    [
      "403",
      status(403, "Forbidden", 'secrets "x" is forbidden'),
      "forbidden",
      /^ask: secrets "x" is forbidden$/,
    ],
    ["404", status(404, "NotFound", 'secrets "x" not found'), "not-found", /not found/],
    ["404 of a wrong address", { status: 404, text: "404 page not found" }, "garbage", /no Kubernetes API/],
    ["409 on a write", status(409, "Conflict", "the object has been modified"), "conflict", /modified/],
    ["409 on a create", status(409, "AlreadyExists", "already exists"), "exists", /already exists/],
    ["422", status(422, "Invalid", "caBundle: Invalid value"), "rejected", /Invalid value/],
    ["429", status(429, "TooManyRequests", "try again later"), "busy", /later/],
    ["500", status(500, "InternalError", "etcdserver: request timed out"), "unavailable", /etcdserver/],
    ["502 of a load balancer", { status: 502, text: "<html>Bad Gateway</html>" }, "unavailable", /HTTP 502/],
    ["200 with a login page", { status: 200, text: "<html>log in</html>" }, "garbage", /no JSON/],
    ["200 with half an object", { status: 200, text: '{"kind":"Secr' }, "garbage", /no JSON/],
    ["200 with nothing", { status: 200, text: "" }, "garbage", /no JSON/],
    ["a cut connection, twice", "cut", "network", /^ask: /],
  ])("an answer of %s is told apart", async (_name, answer, kind, message) => {
    const server = await serve(() => answer);
    const kube = await connect(server);
    const failure = await failureFrom(kube.request(call()));
    expect(failure.kind).toBe(kind);
    expect(failure.message).toMatch(message);
  });

  test("Retry-After is passed on in milliseconds", async () => {
    const busy = status(429, "TooManyRequests", "later");
    const server = await serve(() =>
      typeof busy === "string" ? busy : { ...busy, headers: { "retry-after": "7" } },
    );
    const kube = await connect(server);
    const thrown: unknown = await kube.request(call()).catch((error: unknown) => error);
    expect(failureOf(thrown).retryAfterMillis).toBe(7_000);
  });

  test("an endless answer is given up after 8 MiB", async () => {
    const server = await serve(() => ({ status: 200, text: JSON.stringify("x".repeat(9 * 1024 * 1024)) }));
    const kube = await connect(server);
    expect(await failureFrom(kube.request(call()))).toMatchObject({ kind: "garbage" });
  });

  test("silence ends at the deadline", async () => {
    const server = await serve(() => "silence");
    const kube = await connect(server);
    const start = performance.now();
    const failure = await failureFrom(kube.request(call({ timeoutMillis: 200 })));
    expect(failure).toEqual({ kind: "timeout", message: "ask: no answer before the deadline" });
    // Of a call that says nothing it is 10 s.
    expect(performance.now() - start).toBeLessThan(9_000);
  });

  test("a call ends at once when the caller gives up, and is not sent if he has already", async () => {
    const server = await serve(() => "silence");
    const kube = await connect(server);
    const stop = new AbortController();
    const failure = failureFrom(kube.request(call({ signal: stop.signal })));
    setTimeout(() => stop.abort(), 50);
    expect((await failure).kind).toBe("aborted");
    server.requests.length = 0;
    expect((await failureFrom(kube.request(call({ signal: AbortSignal.abort() })))).kind).toBe("aborted");
    expect(server.requests).toHaveLength(0);
  });

  test("a connection that the server closed while idle costs no failed GET, nor a POST that may be repeated", async () => {
    const server = await serve(ok);
    const kube = await connect(server);
    let cuts = 0;
    await kube.request(call());
    server.answer = () => {
      cuts += 1;
      return cuts % 2 === 1 ? "cut" : ok();
    };
    expect(await kube.request(call())).toEqual({ ok: true });
    expect(await kube.request(call({ method: "POST", body: {}, repeatable: true }))).toEqual({ ok: true });
    expect((await failureFrom(kube.request(call({ method: "POST", body: {} })))).kind).toBe("network");
    expect(cuts).toBe(5);
  });

  test("nobody listening is a network failure that says so", async () => {
    const server = await serve(ok);
    const kube = await connect(server);
    await server.stop();
    expect(await failureFrom(kube.request(call()))).toEqual({
      kind: "network",
      message: `ask: connect ECONNREFUSED 127.0.0.1:${server.port}`,
    });
  });

  test("the API server's clock is known from its answers", async () => {
    const ahead = new Date(Date.now() + 3_600_000).toUTCString();
    const server = await serve(() => ({ status: 200, json: {}, headers: { date: ahead } }));
    const kube = await connect(server);
    expect(kube.clockOffsetMillis()).toBe(0);
    await kube.request(call());
    expect(Math.abs(kube.clockOffsetMillis() - 3_600_000)).toBeLessThan(5_000);
  });

  test("a clock that agrees with the API server's is left alone", async () => {
    const server = await serve(() => ({
      status: 200,
      json: {},
      headers: { date: new Date().toUTCString() },
    }));
    // Both by one clock: the program's own differs from that of the machine by fractions of a millisecond, which is
    // enough around the turn of a second.
    const wallMillis = (): number => Date.now();
    const kube = await way({ env: server.env, directory: server.credentials, wallMillis });
    open.unshift(kube);
    for (let asked = 0; asked < 5; asked += 1) await kube.request(call());
    expect(kube.clockOffsetMillis()).toBe(0);
  });

  test("outside of a pod, and in a pod without a token, connecting says what is missing", async () => {
    await expect(way({ env: {} })).rejects.toThrow(/KUBERNETES_SERVICE_HOST.*no pod/);
    const env = { KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "443" };
    const directory = mkdtempSync(join(tmpdir(), "nodelatch-kube-"));
    await expect(way({ env, directory })).rejects.toThrow(`read the API token from ${directory}/token`);
    writeFileSync(join(directory, "token"), "t");
    await expect(way({ env, directory })).rejects.toThrow(/CA from/);
    writeFileSync(join(directory, "ca.crt"), "x");
    expect((await way({ env, directory })).server).toBe("https://[fd00::1]:443");
  });
});

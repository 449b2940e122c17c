import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { afterEach, expect, test } from "vitest";
import { makeKubeletProbe, type KubeletEndpoint } from "./probe.ts";

let servers: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(servers.map(async (stop) => stop()));
  servers = [];
});

async function serve(
  listener: RequestListener,
  port = 0,
): Promise<{ url: string; port: number; stop(): Promise<void> }> {
  const server: Server = createServer(listener).listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  let open = true;
  async function stop(): Promise<void> {
    if (!open) return;
    open = false;
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  }
  servers.push(stop);
  return { url: `http://127.0.0.1:${address.port}/healthz`, port: address.port, stop };
}

const ok: RequestListener = (_request, response) => response.end("ok");
/** For answers that come: a busy machine must not bring a deadline about. */
const PATIENT = 60_000;
/** Nothing listens on port 1. */
const closed: KubeletEndpoint = { name: "edgecore", url: "http://127.0.0.1:1/healthz/syncloop" };

test("one that answers runs; its port closed afterwards, it is stopped; open again, it runs", async () => {
  const kubelet = await serve(ok);
  const probe = makeKubeletProbe([{ name: "kubelet", url: kubelet.url }, closed], PATIENT);
  expect(await probe.look()).toEqual({ kind: "running", name: "kubelet" });
  await kubelet.stop();
  expect(await probe.look()).toEqual({ kind: "stopped", name: "kubelet" });
  await serve(ok, kubelet.port);
  expect(await probe.look()).toEqual({ kind: "running", name: "kubelet" });
});

test("a closed port that never was open proves nothing: healthzPort may be 0", async () => {
  const state = await makeKubeletProbe([closed], PATIENT).look();
  expect(state).toEqual({ kind: "unknown", reason: `nothing has answered yet at ${closed.url}` });
});

test("an unhealthy kubelet is a running one", async () => {
  const kubelet = await serve((_request, response) => {
    response.statusCode = 500;
    response.end("syncloop");
  });
  const probe = makeKubeletProbe([closed, { name: "kubelet", url: kubelet.url }], PATIENT);
  expect(await probe.look()).toEqual({ kind: "running", name: "kubelet" });
});

test("one that hangs is unknown after the deadline, though it answered before", async () => {
  let hang = false;
  const kubelet = await serve((request, response) => {
    if (!hang) ok(request, response);
  });
  const probe = makeKubeletProbe([{ name: "kubelet", url: kubelet.url }], 200);
  // The deadline is short for an answer on a busy machine.
  await expect.poll(async () => (await probe.look()).kind).toBe("running");
  hang = true;
  const before = performance.now();
  expect(await probe.look()).toEqual({ kind: "unknown", reason: "kubelet: no answer in time" });
  expect(performance.now() - before).toBeLessThan(10_000);
});

test("another that hangs keeps a closed port from meaning stopped", async () => {
  const kubelet = await serve(ok);
  const edgecore = await serve(() => {});
  const probe = makeKubeletProbe(
    [
      { name: "kubelet", url: kubelet.url },
      { name: "edgecore", url: edgecore.url },
    ],
    200,
  );
  await expect.poll(async () => (await probe.look()).kind).toBe("running");
  await kubelet.stop();
  expect((await probe.look()).kind).toBe("unknown");
});

test("one that is no HTTP is unknown", async () => {
  const server = createTcpServer((socket) =>
    socket
      .on("error", () => {})
      .end("SSH-2.0-x\r\n")
      .destroySoon(),
  ).listen(0, "127.0.0.1");
  await once(server, "listening");
  servers.push(async () => {
    server.close();
    await once(server, "close");
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const probe = makeKubeletProbe([{ name: "kubelet", url: `http://127.0.0.1:${address.port}/` }], PATIENT);
  expect((await probe.look()).kind).toBe("unknown");
});

test("the caller's signal ends it", async () => {
  const kubelet = await serve(() => {});
  const probe = makeKubeletProbe([{ name: "kubelet", url: kubelet.url }], 60_000);
  expect((await probe.look(AbortSignal.timeout(50))).kind).toBe("unknown");
});

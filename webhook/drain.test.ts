import { connect, type TLSSocket } from "node:tls";
import { pino } from "pino";
import { describe, expect, test } from "vitest";
import { createDrain, type Drain } from "./drain.ts";
import { call, keepAliveAgent, readAnswer } from "./testing/call.ts";
import { makeGate } from "./testing/gate.ts";
import { reviewBody } from "./testing/review-body.ts";
import { until } from "./testing/until.ts";
import { startWebhook, type Started } from "./testing/webhook-server.ts";

const log = pino({ enabled: false });
const BODY = reviewBody();
const REQUEST = `POST /guard HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(BODY)}\r\n\r\n${BODY}`;

function pause(millis: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, millis);
  });
}

async function dial(port: number): Promise<TLSSocket> {
  const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
  await new Promise((resolve, reject) => {
    socket.once("secureConnect", resolve);
    socket.once("error", reject);
  });
  return socket;
}

interface Replica extends Started {
  readonly drain: Drain;
}

async function startReplica(
  drainMillis: number,
  handle?: () => ReturnType<ReturnType<typeof makeGate>["handle"]>,
): Promise<Replica> {
  const started = await startWebhook(handle);
  return {
    ...started,
    drain: createDrain({ server: started.server, log, drainMillis, graceMillis: 60_000 }),
  };
}

describe("draining", () => {
  test("fails no call of clients that keep connections and go where readiness points", async () => {
    // Longer than a machine with other work may stop this process: clients must come to hear of it in between.
    const leaving = await startReplica(4_000);
    const staying = await startReplica(4_000);
    const served = new Map<number, number>();
    const stop = new AbortController();
    let failed = 0;
    let repeated = 0;

    // As the API server behind a Service: keeps a connection until told to close it, and repeats a 503.
    async function client(pauseMillis: number): Promise<void> {
      while (!stop.signal.aborted) {
        const ready = await leaving.drain.readiness.check(new AbortController().signal);
        const { port } = ready.ok ? leaving : staying;
        const agent = keepAliveAgent();
        for (let open = true; open && !stop.signal.aborted;) {
          try {
            const called = await call(port, "/guard", BODY, { agent });
            if (called.status === 503) repeated += 1;
            else if (readAnswer(called.text).allowed !== true) failed += 1;
            served.set(port, (served.get(port) ?? 0) + 1);
            open = called.headers["connection"] !== "close";
          } catch {
            failed += 1;
            open = false;
          }
          await pause(pauseMillis);
        }
        agent.destroy();
      }
    }
    const clients = [client(0), client(1), client(5), client(40)];
    await pause(150);
    const drained = await leaving.drain.start();
    const before = served.get(leaving.port);
    await pause(150);
    stop.abort();
    await Promise.all(clients);

    expect(failed).toBe(0);
    expect(repeated).toBe(0);
    expect(drained).toEqual({ cutRequests: 0 });
    expect(served.get(leaving.port)).toBe(before);
    expect(served.get(staying.port)).toBeGreaterThan(0);
    await expect(call(leaving.port, "/guard", BODY)).rejects.toThrow("ECONNREFUSED");
  });

  test("is not ready at once, and says close on each answer while it serves on", async () => {
    const { drain, port } = await startReplica(60_000);
    const hurry = new AbortController();
    const never = new AbortController().signal;
    expect(await drain.readiness.check(never)).toEqual({ ok: true, detail: "serving" });
    const agent = keepAliveAgent();
    expect((await call(port, "/guard", BODY, { agent })).headers["connection"]).toBe("keep-alive");
    const drained = drain.start(hurry.signal);
    expect(await drain.readiness.check(never)).toEqual({ ok: false, detail: "shutting down" });
    // On the connection that was kept, and on a new one.
    for (const reused of [true, false]) {
      const called = await call(port, "/guard", BODY, { agent });
      expect(readAnswer(called.text).allowed).toBe(true);
      expect(called.headers["connection"]).toBe("close");
      expect(called.reused).toBe(reused);
    }
    expect((await call(port, "/", "")).headers["connection"]).toBe("close");
    agent.destroy();
    hurry.abort();
    await drained;
  });

  test("leaves idle connections open until the end, as closing them fails calls on their way", async () => {
    const { drain, port } = await startReplica(60_000);
    const hurry = new AbortController();
    const agent = keepAliveAgent();
    await call(port, "/guard", BODY, { agent });
    const drained = drain.start(hurry.signal);
    await pause(100);
    const called = await call(port, "/guard", BODY, { agent });
    agent.destroy();
    expect(called.reused).toBe(true);
    expect(readAnswer(called.text).allowed).toBe(true);
    hurry.abort();
    await drained;
  });

  test("lets a review in flight end, and tells its caller to close", async () => {
    const gate = makeGate();
    const { drain, port } = await startReplica(20, gate.handle);
    const inFlight = call(port, "/guard", BODY, { agent: keepAliveAgent() });
    await until(() => gate.entered() === 1);
    let ended = false;
    const drained = drain.start().finally(() => {
      ended = true;
    });
    await pause(150);
    expect(ended).toBe(false);
    gate.open();
    const called = await inFlight;
    expect(readAnswer(called.text).allowed).toBe(true);
    expect(called.headers["connection"]).toBe("close");
    expect(await drained).toEqual({ cutRequests: 0 });
  });

  test("answers 503 with Retry-After and close to what still comes on an open connection at the end", async () => {
    const gate = makeGate();
    const { drain, port, sample } = await startReplica(20, gate.handle);
    const busy = call(port, "/guard", BODY);
    await until(() => gate.entered() === 1);
    const unused = await dial(port);
    const drained = drain.start();
    await pause(150);
    let text = "";
    unused.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    const closed = new Promise((resolve) => unused.once("close", resolve));
    unused.write(REQUEST);
    await closed;
    expect(text).toContain("HTTP/1.1 503");
    expect(text).toContain("Retry-After: 1");
    expect(text).toContain("Connection: close");
    gate.open();
    expect(readAnswer((await busy).text).allowed).toBe(true);
    await drained;
    const labels = 'webhook="guard.nodelatch.io",operation="unknown",decision="draining",code="503"';
    expect(await sample(`nodelatch_webhook_requests_total{${labels}}`)).toBe(1);
  });

  test("answers what comes on a connection that was opened and not used yet, also when nothing is in flight", async () => {
    const { server, port } = await startWebhook();
    const unused = await dial(port);
    let text = "";
    const answered = new AbortController();
    unused.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      answered.abort();
    });
    const stopAccepting = (): void => {
      server.stopAccepting();
      unused.write(REQUEST);
    };
    const drain = createDrain({
      server: { ...server, stopAccepting },
      log,
      drainMillis: 10,
      graceMillis: 60_000,
      // The answer comes within milliseconds, where nothing else runs.
      unusedMillis: 20_000,
    });
    expect(await drain.start(answered.signal)).toEqual({ cutRequests: 0 });
    expect(text).toContain("HTTP/1.1 503");
  });

  test("cuts off what takes longer than the grace, and says how many", async () => {
    const gate = makeGate();
    const { server, port } = await startWebhook(gate.handle);
    const hanging = call(port, "/guard", BODY);
    const failed = hanging.then(String, String);
    await until(() => gate.entered() === 1);
    const drain = createDrain({ server, log, drainMillis: 10, graceMillis: 100 });
    expect(await drain.start()).toEqual({ cutRequests: 1 });
    expect(await failed).toContain("socket hang up");
  });

  test("happens once, however often it is started", async () => {
    const { drain } = await startReplica(10);
    const first = drain.start();
    expect(drain.start()).toBe(first);
    await first;
    expect(await drain.start()).toEqual({ cutRequests: 0 });
  });

  test("can be hurried, and connections that were never used don't hold it up", async () => {
    const { drain, port } = await startReplica(60_000);
    const unused = await dial(port);
    const hurry = new AbortController();
    const drained = drain.start(hurry.signal);
    hurry.abort();
    expect(await drained).toEqual({ cutRequests: 0 });
    unused.destroy();
  });
});

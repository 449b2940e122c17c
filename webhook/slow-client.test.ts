import { connect, type TLSSocket } from "node:tls";
import { describe, expect, test } from "vitest";
import { call, readAnswer } from "./testing/call.ts";
import { reviewBody } from "./testing/review-body.ts";
import { until } from "./testing/until.ts";
import { ALLOW, startWebhook } from "./testing/webhook-server.ts";

const UID = "705ab4f5-6393-11e8-b7cc-42010a800002";
const IN_FLIGHT = 'nodelatch_webhook_requests_in_flight{webhook="guard.nodelatch.io"}';

async function dial(port: number): Promise<TLSSocket> {
  const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
  await new Promise((resolve, reject) => {
    socket.once("secureConnect", resolve);
    socket.once("error", reject);
  });
  return socket;
}

function head(length: number, query = ""): string {
  return `POST /guard${query} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;
}

/** All that comes until the server ends the connection. */
async function readAll(socket: TLSSocket): Promise<string> {
  let text = "";
  for await (const chunk of socket) text += String(chunk);
  return text;
}

describe("a body that does not arrive", () => {
  test("is answered in time, inside a review with the uid, and the connection ends", async () => {
    const { port, sample } = await startWebhook(undefined, { limits: { requestDeadlineMillis: 100 } });
    const socket = await dial(port);
    socket.write(head(5_000) + reviewBody().slice(0, 200));
    const text = await readAll(socket);
    expect(text).toContain("HTTP/1.1 200 OK");
    expect(text).toContain("Connection: close");
    const answer = readAnswer(text.slice(text.indexOf("\r\n\r\n") + 4));
    expect(answer).toMatchObject({ uid: UID, allowed: false, code: 504, reason: "Timeout" });
    expect(await sample(IN_FLIGHT)).toBe(0);
  });

  test("is given up when the API server stops listening, as it says with ?timeout", async () => {
    const { port } = await startWebhook(undefined, { limits: { requestDeadlineMillis: 60_000 } });
    const socket = await dial(port);
    socket.write(head(5_000, "?timeout=400ms") + reviewBody().slice(0, 200));
    const startedMillis = performance.now();
    expect(await readAll(socket)).toContain('"code":504');
    expect(performance.now() - startedMillis).toBeLessThan(30_000);
  });

  test("is forgotten when its sender hangs up, and so is what had come", async () => {
    const { port, sample, logged } = await startWebhook(undefined, {
      limits: { maxBodyBytesInFlight: 20_000 },
    });
    for (let round = 0; round < 5; round += 1) {
      const socket = await dial(port);
      socket.write(head(50_000) + reviewBody({ name: "x".repeat(12_000) }).slice(0, 12_000));
      await new Promise((resolve) => setTimeout(resolve, 20));
      socket.destroy();
      await until(() => logged.filter(({ decision }) => decision === "gone").length === round + 1);
    }
    expect(await sample(IN_FLIGHT)).toBe(0);
    // Five times 12 kB would not leave room for this one.
    const body = reviewBody({ name: "x".repeat(12_000) });
    expect(readAnswer((await call(port, "/guard", body)).text).allowed).toBe(true);
  });

  test("trickling in from many senders leaves others their answers", async () => {
    const { port } = await startWebhook(undefined, { limits: { maxInFlight: 50 } });
    const slow = await Promise.all(Array.from({ length: 40 }, () => dial(port)));
    for (const socket of slow) {
      socket.on("error", () => {});
      socket.write(head(5_000) + "{");
    }
    for (let round = 0; round < 10; round += 1) {
      expect(readAnswer((await call(port, "/guard", reviewBody())).text).allowed).toBe(true);
    }
    for (const socket of slow) socket.destroy();
  });
});

test("headers that never end are answered 408 and the connection ends", async () => {
  const { port } = await startWebhook(undefined, { limits: { headersTimeoutMillis: 4_000 } });
  const socket = await dial(port);
  socket.write("POST /guard HTTP/1.1\r\nHost: x\r\nX-Slow: ");
  // A few bytes in time, even if this process is stopped for a while; later ones would cross the server's answer and
  // reset the connection before it is read.
  for (const millis of [20, 40, 60]) setTimeout(() => socket.write("x"), millis);
  const text = await readAll(socket);
  expect(text).toContain("HTTP/1.1 408");
});

describe("a handler that takes too long", () => {
  test("gets its signal aborted at the deadline, and the caller an answer with the uid", async () => {
    let reason: unknown;
    const { port, logged, sample } = await startWebhook(
      (_review, signal) =>
        new Promise(() => {
          signal.addEventListener("abort", () => {
            reason = signal.reason;
          });
        }),
      { limits: { requestDeadlineMillis: 60_000 } },
    );
    const startedMillis = performance.now();
    const called = await call(port, "/guard?timeout=400ms", reviewBody());
    expect(performance.now() - startedMillis).toBeLessThan(30_000);
    expect(readAnswer(called.text)).toMatchObject({ uid: UID, allowed: false, code: 504, reason: "Timeout" });
    expect(reason).toMatchObject({ name: "TimeoutError" });
    expect(logged.find(({ msg }) => msg === "admission")).toMatchObject({
      decision: "late",
      code: 504,
      node: "n1",
    });
    expect(await sample("nodelatch_webhook_panics_total")).toBe(0);
  });

  test("and then fails because of its signal is late, not broken", async () => {
    const { port, sample } = await startWebhook(
      (_review, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(new Error("aborted")));
        }),
    );
    expect(readAnswer((await call(port, "/guard?timeout=200ms", reviewBody())).text).code).toBe(504);
    expect(await sample("nodelatch_webhook_panics_total")).toBe(0);
  });

  test("gets its signal aborted when the caller hangs up", async () => {
    let reason: unknown;
    let entered = false;
    const { port, sample } = await startWebhook(
      (_review, signal) =>
        new Promise((resolve) => {
          entered = true;
          signal.addEventListener("abort", () => {
            reason = signal.reason;
            resolve(ALLOW);
          });
        }),
    );
    const body = reviewBody();
    const socket = await dial(port);
    socket.write(head(Buffer.byteLength(body)) + body);
    await until(() => entered);
    socket.destroy();
    await until(() => reason !== undefined);
    expect(reason).toMatchObject({ name: "AbortError" });
    expect(await sample(IN_FLIGHT)).toBe(0);
  });
});

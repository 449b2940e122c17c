import { describe, expect, test } from "vitest";
import { createInFlight } from "./in-flight.ts";
import { createParsePool } from "./parse-pool.ts";
import { call, keepAliveAgent, readAnswer } from "./testing/call.ts";
import { makeGate } from "./testing/gate.ts";
import { reviewBody } from "./testing/review-body.ts";
import { until } from "./testing/until.ts";
import { startWebhook } from "./testing/webhook-server.ts";

describe("overload", () => {
  test("is answered 503 with Retry-After, so the API server sends the call again, and is counted", async () => {
    const { open, entered, handle } = makeGate();
    const { port, sample } = await startWebhook(handle, { limits: { maxInFlight: 2 } });
    const taken = [call(port, "/guard", reviewBody()), call(port, "/guard", reviewBody())];
    await until(() => entered() === 2);
    const agent = keepAliveAgent();
    const away = await call(port, "/guard", reviewBody(), { agent });
    expect(away).toMatchObject({ status: 503, headers: { "retry-after": "1" } });
    open();
    for (const called of await Promise.all(taken)) expect(readAnswer(called.text).allowed).toBe(true);
    // And there is room again, on the same connection.
    const again = await call(port, "/guard", reviewBody(), { agent });
    agent.destroy();
    expect(readAnswer(again.text).allowed).toBe(true);
    expect(again.reused).toBe(true);
    expect(await sample("nodelatch_webhook_overloaded_total")).toBe(1);
    const labels = 'webhook="guard.nodelatch.io",operation="unknown",decision="overloaded",code="503"';
    expect(await sample(`nodelatch_webhook_requests_total{${labels}}`)).toBe(1);
  });

  test("of bodies in memory is answered the same way", async () => {
    const { port, sample } = await startWebhook(undefined, { limits: { maxBodyBytesInFlight: 100_000 } });
    const large = reviewBody({ name: "x".repeat(200_000) });
    expect(await call(port, "/guard", large)).toMatchObject({ status: 503, headers: { "retry-after": "1" } });
    expect(readAnswer((await call(port, "/guard", reviewBody())).text).allowed).toBe(true);
    expect(await sample("nodelatch_webhook_overloaded_total")).toBe(1);
  });

  test("of the parse worker is answered the same way, and small reviews go on", async () => {
    const pool = createParsePool({ maxWaiting: 0, workerFromBytes: 50_000 });
    const { port } = await startWebhook(undefined, { pool });
    const large = reviewBody({ name: "x".repeat(60_000) });
    expect((await call(port, "/guard", large)).status).toBe(503);
    expect(readAnswer((await call(port, "/guard", reviewBody())).text).allowed).toBe(true);
  });

  test("gives back the memory of every body, however it ended", async () => {
    const { port } = await startWebhook(undefined, {
      limits: { maxBodyBytesInFlight: 50_000, maxBodyBytes: 40_000 },
    });
    const large = reviewBody({ name: "x".repeat(60_000) });
    const good = reviewBody({ name: "x".repeat(30_000) });
    for (let round = 0; round < 5; round += 1) {
      expect(readAnswer((await call(port, "/guard", large)).text).code).toBe(413);
      expect(readAnswer((await call(port, "/guard", good.slice(1))).text).code).toBe(400);
      expect(
        readAnswer((await call(port, "/guard", good, { headers: { "Content-Encoding": "br" } })).text).code,
      ).toBe(400);
      expect(readAnswer((await call(port, "/guard", good)).text).code).toBe(200);
    }
  });
});

describe("createInFlight()", () => {
  test("takes no more requests and bytes than allowed, and as many again once they are given back", () => {
    const inFlight = createInFlight(1, 10);
    expect([inFlight.tryEnter(), inFlight.tryEnter(), inFlight.count()]).toEqual([true, false, 1]);
    inFlight.leave();
    expect(inFlight.tryEnter()).toBe(true);
    expect([inFlight.tryTake(6), inFlight.tryTake(5), inFlight.tryTake(4)]).toEqual([true, false, true]);
    inFlight.giveBack(6);
    expect(inFlight.tryTake(6)).toBe(true);
  });

  test("tells when it is empty, and stops waiting when told to", async () => {
    const inFlight = createInFlight(5, 10);
    expect(await inFlight.whenEmpty(new AbortController().signal)).toBe(true);
    inFlight.tryEnter();
    expect(await inFlight.whenEmpty(AbortSignal.abort())).toBe(false);
    expect(await inFlight.whenEmpty(AbortSignal.timeout(5))).toBe(false);
    const empty = inFlight.whenEmpty(new AbortController().signal);
    inFlight.leave();
    expect(await empty).toBe(true);
  });
});

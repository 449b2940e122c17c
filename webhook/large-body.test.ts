import { describe, expect, test } from "vitest";
import { MAX_BODY_BYTES } from "./body.ts";
import { createParsePool, type ParsePool } from "./parse-pool.ts";
import type { NodeReviewHandler } from "./review.ts";
import { call, keepAliveAgent, readAnswer } from "./testing/call.ts";
import { reviewBody } from "./testing/review-body.ts";
import { ALLOW, startWebhook } from "./testing/webhook-server.ts";

const UID = "705ab4f5-6393-11e8-b7cc-42010a800002";

/** A review of exactly so many bytes. */
function sized(bytes: number): Buffer {
  const empty = Buffer.byteLength(reviewBody({ name: "" }));
  return Buffer.from(reviewBody({ name: "x".repeat(bytes - empty) }));
}

describe("a body of", () => {
  test("7 MiB is reviewed", async () => {
    const { port } = await startWebhook(undefined, { limits: { requestDeadlineMillis: 60_000 } });
    const called = await call(port, "/guard", sized(MAX_BODY_BYTES));
    expect(readAnswer(called.text)).toMatchObject({ uid: UID, allowed: true });
  });

  test("one byte more is refused with 413 inside a review, with its uid, and the connection lives on", async () => {
    const { port } = await startWebhook();
    const agent = keepAliveAgent();
    const called = await call(port, "/guard", sized(MAX_BODY_BYTES + 1), { agent });
    expect(called.status).toBe(200);
    expect(readAnswer(called.text)).toMatchObject({
      uid: UID,
      allowed: false,
      code: 413,
      reason: "RequestEntityTooLarge",
    });
    const next = await call(port, "/guard", reviewBody(), { agent });
    agent.destroy();
    expect(readAnswer(next.text).allowed).toBe(true);
    expect(next.reused).toBe(true);
  });

  test("far more is refused before its end, and the connection ends", async () => {
    const { port } = await startWebhook(undefined, { limits: { maxBodyBytes: 100_000 } });
    const agent = keepAliveAgent();
    const called = await call(port, "/guard", sized(400_000), { agent });
    agent.destroy();
    expect(readAnswer(called.text)).toMatchObject({ uid: UID, code: 413 });
    expect(called.headers["connection"]).toBe("close");
  });
});

const PADDING = 7 * 1024 * 1024 - 4_096;
const HOSTILE: readonly (readonly [string, string, number])[] = [
  ["deep lists", "[".repeat(PADDING / 2) + "]".repeat(PADDING / 2), 400],
  ["deep objects", `${'{"a":'.repeat(PADDING / 6)}1${"}".repeat(PADDING / 6)}`, 400],
  ["lists that never close", "[".repeat(PADDING), 400],
  ["text", `"${"x".repeat(PADDING)}"`, 200],
  ["empty objects side by side, which do not fit the worker", `[${"{},".repeat(PADDING / 3 - 2)}1]`, 500],
];

describe("7 MiB of", () => {
  test.each(HOSTILE)("%s are answered while the reviews of others go on", async (_name, json, code) => {
    // A parse in the server's own thread could let no other review pass between its begin and its end.
    // On a machine with other work the worker may need longer than it gets in earnest.
    const inner = createParsePool({ jobTimeoutMillis: 60_000 });
    let parsing = false;
    let passed = 0;
    const pool: ParsePool = {
      parse(body, signal) {
        const pending = inner.parse(body, signal);
        if (!(pending instanceof Promise)) return pending;
        parsing = true;
        return pending.finally(() => {
          parsing = false;
        });
      },
      close: () => inner.close(),
    };
    const handle: NodeReviewHandler = () => {
      if (parsing) passed += 1;
      return ALLOW;
    };
    const { port } = await startWebhook(handle, { pool, limits: { requestDeadlineMillis: 60_000 } });
    const body = Buffer.from(reviewBody({ name: "HERE" }).replace('"HERE"', json));
    const stop = new AbortController();
    const hostile = call(port, "/guard", body).finally(() => stop.abort());
    const agent = keepAliveAgent();
    while (!stop.signal.aborted) {
      expect(readAnswer((await call(port, "/guard", reviewBody(), { agent })).text).allowed).toBe(true);
    }
    agent.destroy();
    expect(readAnswer((await hostile).text)).toMatchObject({ uid: UID, code });
    expect(passed).toBeGreaterThan(0);
  });
});

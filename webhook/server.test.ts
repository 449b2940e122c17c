import { connect } from "node:tls";
import { describe, expect, test } from "vitest";
import type { NodeReview } from "./review.ts";
import { call, readAnswer } from "./testing/call.ts";
import { reviewBody } from "./testing/review-body.ts";
import { ALLOW, startWebhook } from "./testing/webhook-server.ts";

const UID = "705ab4f5-6393-11e8-b7cc-42010a800002";

describe("a review", () => {
  test("reaches the handler parsed, and its verdict reaches the caller", async () => {
    const seen: NodeReview[] = [];
    const { port } = await startWebhook((review) => {
      seen.push(review);
      return {
        kind: "refuse",
        decision: "not-holder",
        code: 403,
        reason: "Forbidden",
        message: "node n1 is locked",
        warnings: [],
        audit: {},
      };
    });
    const called = await call(port, "/guard?timeout=3s", reviewBody());
    expect(called.status).toBe(200);
    expect(called.headers["content-type"]).toBe("application/json");
    expect(called.headers).not.toHaveProperty("x-powered-by");
    expect(readAnswer(called.text)).toMatchObject({
      uid: UID,
      allowed: false,
      code: 403,
      message: "node n1 is locked",
    });
    expect(seen).toMatchObject([{ uid: UID, operation: "UPDATE", caller: { username: "bob" } }]);
  });

  test("may be decided later", async () => {
    const { port } = await startWebhook(async () => Promise.resolve(ALLOW));
    expect(readAnswer((await call(port, "/guard", reviewBody())).text)).toMatchObject({
      uid: UID,
      allowed: true,
    });
  });

  const json = { "Content-Type": "application/json" };
  test.each<[string, string, Record<string, string>, number, string, string]>([
    [
      "another content type",
      reviewBody(),
      { "Content-Type": "application/yaml" },
      400,
      UID,
      'content-type: expected application/json, got "application/yaml"',
    ],
    [
      "a content type that only begins like it",
      reviewBody(),
      { "Content-Type": "application/jsonp" },
      400,
      UID,
      "content-type: expected",
    ],
    [
      "no content type",
      reviewBody(),
      { "Content-Type": "" },
      400,
      UID,
      'content-type: expected application/json, got ""',
    ],
    [
      "a compressed body",
      reviewBody(),
      { "Content-Encoding": "gzip" },
      400,
      UID,
      'content-encoding: expected none, got "gzip"',
    ],
    ["text that is not JSON", "{", json, 400, "", "expected JSON"],
    ["nothing", "", json, 400, "", "got nothing"],
    ["JSON that is no review", '{"kind":"Pod"}', json, 400, "", 'kind: expected "AdmissionReview"'],
    [
      "a review of another resource",
      reviewBody({ resource: { group: "", version: "v1", resource: "pods" } }),
      json,
      400,
      UID,
      "request.resource",
    ],
  ])("of %s is refused inside a review, HTTP 200", async (_name, body, headers, code, uid, message) => {
    const { port } = await startWebhook();
    const called = await call(port, "/guard", body, { headers });
    expect(called.status).toBe(200);
    const answer = readAnswer(called.text);
    expect(answer).toMatchObject({ allowed: false, code, reason: "BadRequest", uid });
    expect(answer.message).toContain(message);
  });

  test.each(["application/json; charset=utf-8", "Application/JSON"])("may come as %s", async (type) => {
    const { port } = await startWebhook();
    const called = await call(port, "/guard", reviewBody(), { headers: { "Content-Type": type } });
    expect(readAnswer(called.text).allowed).toBe(true);
  });

  test("in v1beta1 is refused in v1beta1, so that the API server reads why", async () => {
    const { port } = await startWebhook();
    const body = reviewBody({}, { apiVersion: "admission.k8s.io/v1beta1" });
    const answer = readAnswer((await call(port, "/guard", body)).text);
    expect(answer).toMatchObject({
      apiVersion: "admission.k8s.io/v1beta1",
      uid: UID,
      allowed: false,
      code: 400,
    });
  });

  test("may come in chunks without a length", async () => {
    const { port } = await startWebhook();
    const body = reviewBody();
    const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
    socket.write(
      "POST /guard HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n",
    );
    socket.write("Connection: close\r\n\r\n");
    for (const part of [body.slice(0, 5), body.slice(5)])
      socket.write(`${part.length.toString(16)}\r\n${part}\r\n`);
    socket.write("0\r\n\r\n");
    let text = "";
    for await (const chunk of socket) text += String(chunk);
    expect(readAnswer(text.slice(text.indexOf("\r\n\r\n") + 4))).toMatchObject({ uid: UID, allowed: true });
  });
});

describe("a handler that fails", () => {
  test.each<[string, () => never]>([
    [
      "throws",
      () => {
        throw new Error("secret cause");
      },
    ],
    [
      "throws what is no error",
      () => {
        throw "secret cause";
      },
    ],
  ])("%s: answered 500 with the uid, counted, and its cause only in the log", async (_name, handle) => {
    const { port, logged, sample } = await startWebhook(handle);
    const called = await call(port, "/guard", reviewBody());
    expect(called.status).toBe(200);
    expect(readAnswer(called.text)).toMatchObject({
      uid: UID,
      allowed: false,
      code: 500,
      reason: "InternalError",
    });
    expect(readAnswer(called.text).message).toContain(`log for requestID ${UID}`);
    expect(called.text).not.toContain("secret cause");
    expect(await sample("nodelatch_webhook_panics_total")).toBe(1);
    const [line] = logged.filter(({ msg }) => msg === "admission");
    expect(line).toMatchObject({
      level: 50,
      requestID: UID,
      decision: "error",
      code: 500,
      user: "bob",
      node: "n1",
    });
    expect(JSON.stringify(line)).toContain("secret cause");
  });

  test("rejects: answered the same way, and the server goes on", async () => {
    let calls = 0;
    const { port } = await startWebhook(async () => {
      calls += 1;
      await Promise.resolve();
      if (calls === 1) throw new Error("once");
      return ALLOW;
    });
    expect(readAnswer((await call(port, "/guard", reviewBody())).text).code).toBe(500);
    expect(readAnswer((await call(port, "/guard", reviewBody())).text).allowed).toBe(true);
  });
});

describe("one line of log per decision", () => {
  test("names who asked what of which node, and never shows objects", async () => {
    const { port, logged } = await startWebhook();
    await call(port, "/guard", reviewBody({ subResource: "status", dryRun: true }));
    const lines = logged.filter(({ msg }) => msg === "admission");
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      level: 30,
      requestID: UID,
      webhook: "guard.nodelatch.io",
      operation: "UPDATE",
      subresource: "status",
      node: "n1",
      user: "bob",
      decision: "by-holder",
      code: 200,
      dryRun: true,
      millis: expect.any(Number) as unknown,
    });
    expect(JSON.stringify(logged)).not.toContain("podCIDR");
    expect(JSON.stringify(logged)).not.toContain("reboot-lock");
  });

  test("warns of a body that could not be read, with its uid", async () => {
    const { port, logged } = await startWebhook();
    await call(port, "/guard", reviewBody({ operation: "PATCH" }));
    expect(logged.filter(({ msg }) => msg === "admission")).toMatchObject([
      { level: 40, requestID: UID, decision: "bad-request", code: 400 },
    ]);
  });

  test("cuts a user name that is too long to be one", async () => {
    const { port, logged } = await startWebhook();
    await call(port, "/guard", reviewBody({ userInfo: { username: "u".repeat(20_000) } }));
    expect(JSON.stringify(logged).length).toBeLessThan(2_000);
  });
});

describe("what is not a review", () => {
  test.each([
    ["GET", "/guard", 405],
    ["PUT", "/guard", 405],
    ["POST", "/", 404],
    ["POST", "/guard/", 404],
    ["POST", "/healthz", 404],
    ["GET", "/metrics", 404],
    ["GET", "/%ff", 404],
    ["DELETE", "/__proto__", 404],
    ["POST", "/constructor", 404],
  ])("%s %s is answered %i", async (method, path, status) => {
    const { port } = await startWebhook();
    const called = await call(port, path, "", { method });
    expect(called.status).toBe(status);
    expect(called.headers["allow"]).toBe(status === 405 ? "POST" : undefined);
    expect(called.headers).not.toHaveProperty("x-powered-by");
    expect(called.headers).not.toHaveProperty("etag");
  });
});

/** What the API server's connections to the webhook may be, and how long they are kept. */
import { Agent, get } from "node:https";
import { connect } from "node:tls";
import { describe, expect, test } from "vitest";
import { call, keepAliveAgent, readAnswer } from "./testing/call.ts";
import { reviewBody } from "./testing/review-body.ts";
import { startWebhook } from "./testing/webhook-server.ts";

describe("connections", () => {
  test("are kept for longer than the 90 s after which the API server lets go of idle ones", async () => {
    const { port } = await startWebhook();
    const agent = keepAliveAgent();
    const first = await call(port, "/guard", reviewBody(), { agent });
    const second = await call(port, "/guard", reviewBody(), { agent });
    agent.destroy();
    expect(Number(/timeout=(\d+)/.exec(String(first.headers["keep-alive"]))?.[1])).toBeGreaterThanOrEqual(95);
    expect([first.reused, second.reused]).toEqual([false, true]);
  });

  test("speak HTTP/1.1, as the API server asks for", async () => {
    const { port } = await startWebhook();
    const socket = connect({
      port,
      host: "127.0.0.1",
      rejectUnauthorized: false,
      ALPNProtocols: ["h2", "http/1.1"],
    });
    await new Promise((resolve) => socket.once("secureConnect", resolve));
    expect(socket.alpnProtocol).toBe("http/1.1");
    socket.destroy();
  });

  test.each([
    ["TLS 1.1", { maxVersion: "TLSv1.1", minVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" }, false],
    ["TLS 1.2 without forward secrecy", { maxVersion: "TLSv1.2", ciphers: "AES128-GCM-SHA256" }, false],
    ["TLS 1.2 with ECDHE", { maxVersion: "TLSv1.2", ciphers: "ECDHE-RSA-AES128-GCM-SHA256" }, true],
    ["TLS 1.3", { minVersion: "TLSv1.3" }, true],
  ] as const)("in %s", async (_name, tls, accepted) => {
    const { port } = await startWebhook();
    expect(await handshakes(port, tls)).toBe(accepted);
  });

  test("with a header of 32 kB are answered 431, and the next one is served", async () => {
    const { port } = await startWebhook();
    const called = await call(port, "/guard", "", { headers: { "X-Large": "x".repeat(32_768) } });
    expect(called.status).toBe(431);
    expect(readAnswer((await call(port, "/guard", reviewBody())).text).allowed).toBe(true);
  });

  test("that are plain HTTP are refused, and the next one is served", async () => {
    const { port } = await startWebhook();
    await expect(fetch(`http://127.0.0.1:${port}/guard`)).rejects.toThrow("fetch failed");
    expect(readAnswer((await call(port, "/guard", reviewBody())).text).allowed).toBe(true);
  });
});

function handshakes(port: number, tls: object): Promise<boolean> {
  const agent = new Agent({ rejectUnauthorized: false, ...tls });
  return new Promise((resolve) => {
    get({ host: "127.0.0.1", port, path: "/", agent }, (response) => {
      response.resume();
      resolve(response.statusCode === 404);
    }).on("error", () => resolve(false));
  });
}

import { connect } from "node:tls";
import { describe, expect, test } from "vitest";
import { call, keepAliveAgent, readAnswer } from "./testing/call.ts";
import { makeEcKey, makePair } from "./testing/pair.ts";
import { reviewBody } from "./testing/review-body.ts";
import { startWebhook, type Started } from "./testing/webhook-server.ts";

const one = makePair("one");
const two = makePair("two", 2);
const EXPIRY = "nodelatch_certificate_expiry_timestamp_seconds";

/** Subject of the certificate that a new handshake gets. */
function served(port: number, tls: object = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false, ...tls }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

async function daysLeft(sample: Started["sample"]): Promise<number> {
  return ((await sample(EXPIRY)) ?? 0) / 86_400 - Date.now() / 86_400_000;
}

describe("swapCertificate()", () => {
  test("gives new handshakes the new certificate, and connections stay", async () => {
    const { server, port, sample } = await startWebhook(undefined, { pair: one });
    const agent = keepAliveAgent();
    await call(port, "/guard", reviewBody(), { agent });
    expect(await served(port)).toBe("one");
    expect(await daysLeft(sample)).toBeCloseTo(1, 2);
    expect(server.swapCertificate(two)).toEqual({ ok: true });
    expect(await daysLeft(sample)).toBeCloseTo(2, 2);
    expect(await served(port)).toBe("two");
    expect((await call(port, "/guard", reviewBody(), { agent })).reused).toBe(true);
    agent.destroy();
  });

  test("keeps TLS as strict as it was", async () => {
    const { server, port } = await startWebhook(undefined, { pair: one });
    server.swapCertificate(two);
    await expect(served(port, { maxVersion: "TLSv1.2", ciphers: "AES128-GCM-SHA256" })).rejects.toThrow(
      "handshake failure",
    );
    expect(await served(port, { maxVersion: "TLSv1.2", ciphers: "ECDHE-RSA-AES128-GCM-SHA256" })).toBe("two");
  });

  test.each([
    ["another certificate's key", { certificate: two.certificate, key: one.key }],
    ["a key of another type", { certificate: two.certificate, key: makeEcKey() }],
    ["nothing", { certificate: "", key: "" }],
  ])("keeps the old certificate when the new one comes with %s", async (_name, broken) => {
    const { server, port, sample } = await startWebhook(undefined, { pair: one });
    const before = await sample(EXPIRY);
    expect(server.swapCertificate(broken)).toMatchObject({ ok: false });
    expect(await served(port)).toBe("one");
    expect(readAnswer((await call(port, "/guard", reviewBody())).text).allowed).toBe(true);
    expect(await sample(EXPIRY)).toBe(before);
  });

  test("fails no call under load, whether connections are kept or new", async () => {
    const { server, port } = await startWebhook(undefined, { pair: one });
    const agents = [keepAliveAgent(), keepAliveAgent(), keepAliveAgent()];
    let calls = 0;
    let refused = 0;
    let swaps = 0;
    const isEnough = () => calls >= 200 && swaps >= 20;
    async function load(agent: ReturnType<typeof keepAliveAgent> | false): Promise<void> {
      while (!isEnough()) {
        const called = await call(port, "/guard", reviewBody(), { agent });
        calls += 1;
        if (readAnswer(called.text).allowed !== true) refused += 1;
      }
    }
    const swapping = setInterval(() => {
      swaps += 1;
      server.swapCertificate(swaps % 2 === 0 ? one : two);
    }, 20);
    // A failed call would reject here.
    await Promise.all([...agents.map(load), load(false), load(false)]);
    clearInterval(swapping);
    for (const agent of agents) agent.destroy();
    expect(refused).toBe(0);
    expect(swaps).toBeGreaterThan(10);
    expect(calls).toBeGreaterThan(100);
  });

  test("can't start with a pair that does not fit", async () => {
    await expect(startWebhook(undefined, { pair: { ...one, key: two.key } })).rejects.toThrow(
      "the key is another certificate's",
    );
  });
});

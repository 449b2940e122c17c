import { pino } from "pino";
import { Gauge } from "prom-client";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Check, CheckResult } from "./check.ts";
import { createMetrics } from "../webhook/metrics.ts";
import { createProbeServer, type ProbesOptions } from "./probes.ts";
import { createSelfDial } from "../webhook/self-dial.ts";
import { makePair } from "../webhook/testing/pair.ts";
import { startWebhook } from "../webhook/testing/webhook-server.ts";

async function start(
  options: Partial<ProbesOptions>,
): Promise<(path: string, method?: string) => Promise<Response>> {
  const { registry } = createMetrics({ version: "1.2.3", webhooks: [] });
  const log = pino({ enabled: false });
  // A check that must pass has time on a busy machine, too.
  const checkTimeoutMillis = 60_000;
  const probes = createProbeServer({ live: [], ready: [], registry, log, checkTimeoutMillis, ...options });
  const { port } = await probes.listen(0, "127.0.0.1");
  onTestFinished(() => probes.close());
  return (path, method = "GET") => fetch(`http://127.0.0.1:${port}${path}`, { method });
}

function fixed(name: string, result: CheckResult): Check {
  return { name, check: () => result };
}

const GOOD = fixed("certificate", { ok: true });
const KNOWN = fixed("serving", { ok: true, detail: "port 9443" });
const BAD = fixed("ca-bundle", { ok: false, detail: "not injected yet" });

describe("probes", () => {
  test.each(["/healthz", "/livez", "/readyz"])(
    "%s says ok, and nothing else, when all is well",
    async (path) => {
      const get = await start({ live: [GOOD], ready: [GOOD] });
      const response = await get(path);
      expect(response.status).toBe(200);
      expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8");
      expect(response.headers.get("x-powered-by")).toBeNull();
      expect(await response.text()).toBe("ok");
    },
  );

  test("/readyz?verbose lists every check as the API server does", async () => {
    const get = await start({ ready: [GOOD, KNOWN] });
    expect(await (await get("/readyz?verbose")).text()).toBe(
      "[+]certificate ok\n[+]serving ok: port 9443\nreadyz check passed\n",
    );
  });

  test("/readyz is 500 and says why when one fails, and /livez is not touched by it", async () => {
    const get = await start({ live: [GOOD], ready: [GOOD, BAD] });
    const response = await get("/readyz");
    expect(response.status).toBe(500);
    expect(await response.text()).toBe(
      "[+]certificate ok\n[-]ca-bundle failed: not injected yet\nreadyz check failed\n",
    );
    expect((await get("/livez")).status).toBe(200);
    expect((await get("/healthz")).status).toBe(200);
  });

  test("/livez is 500 when one of its own fails", async () => {
    const get = await start({ live: [BAD], ready: [] });
    expect((await get("/livez")).status).toBe(500);
    expect((await get("/healthz")).status).toBe(500);
  });

  test("/readyz/NAME asks one check alone", async () => {
    const get = await start({ ready: [GOOD, BAD] });
    expect(await (await get("/readyz/certificate")).text()).toBe("ok");
    expect((await get("/readyz/ca-bundle")).status).toBe(500);
    expect((await get("/readyz/other")).status).toBe(404);
  });

  test("?exclude leaves checks out, and names what there is none of", async () => {
    const get = await start({ ready: [GOOD, BAD] });
    expect((await get("/readyz?exclude=ca-bundle")).status).toBe(200);
    expect((await get("/readyz?exclude=certificate")).status).toBe(500);
    expect(await (await get("/readyz?verbose&exclude=ca-bundle&exclude=x")).text()).toBe(
      '[+]certificate ok\n[+]ca-bundle excluded: ok\nwarn: some checks can\'t be excluded: no matches for ["x"]\nreadyz check passed\n',
    );
  });

  test.each<[string, () => Promise<CheckResult>, string]>([
    ["rejects", () => Promise.reject(new Error("no such file")), "[-]odd failed: no such file\n"],
    ["never answers", () => new Promise(() => {}), "[-]odd failed: no answer within 50 ms\n"],
  ])("a check that %s has failed", async (_name, check, line) => {
    const get = await start({ ready: [{ name: "odd", check }], checkTimeoutMillis: 50 });
    const response = await get("/readyz");
    expect(response.status).toBe(500);
    expect(await response.text()).toContain(line);
  });

  test("ask anew every time, and log only what changes", async () => {
    const lines: string[] = [];
    const log = pino({}, { write: (line: string) => lines.push(line) });
    let ok = true;
    const check = (): CheckResult => (ok ? { ok } : { ok, detail: "gone" });
    const get = await start({ ready: [{ name: "certificate", check }], log });
    const statuses: number[] = [];
    for (const next of [true, true, false, false, true]) {
      ok = next;
      statuses.push((await get("/readyz")).status);
    }
    expect(statuses).toEqual([200, 200, 500, 500, 200]);
    expect(lines.map((line) => /probe \w+/.exec(line)?.[0])).toEqual(["probe fails", "probe passes"]);
  });

  test("/metrics is in Prometheus' text format", async () => {
    const get = await start({});
    const response = await get("/metrics");
    expect(response.headers.get("content-type")).toContain("text/plain; version=0.0.4");
    expect(await response.text()).toContain(
      `nodelatch_build_info{version="1.2.3",node="${process.version}"} 1`,
    );
  });

  test.each([
    ["/", "GET"],
    ["/guard", "POST"],
    ["/readyz", "POST"],
    ["/readyz/", "GET"],
    ["/readyz/certificate/more", "GET"],
    ["/metrics/x", "GET"],
    ["//[", "GET"],
  ])("%s by %s is 404", async (path, method) => {
    const get = await start({ ready: [GOOD] });
    expect((await get(path, method)).status).toBe(404);
  });

  test("HEAD is answered as GET is, without the body", async () => {
    const get = await start({ ready: [GOOD] });
    const response = await get("/readyz", "HEAD");
    expect(response.status).toBe(200);
    expect(response.headers.get("content-length")).toBe("2");
    expect(await response.text()).toBe("");
  });

  test("metrics that can't be had are 500, in the log, and no reason to end", async () => {
    const { registry } = createMetrics({ version: "1.2.3", webhooks: [] });
    const lines: string[] = [];
    const log = pino({}, { write: (line: string) => lines.push(line) });
    registry.registerMetric(
      new Gauge({
        name: "broken",
        help: "x",
        registers: [],
        collect: () => Promise.reject(new Error("no file")),
      }),
    );
    const get = await start({ registry, log, ready: [GOOD] });
    expect((await get("/metrics")).status).toBe(500);
    expect(lines.join()).toContain("no file");
    expect((await get("/readyz")).status).toBe(200);
  });
});

describe("the check of the serving port", () => {
  const pair = makePair("one");

  function dialing(port: number, ca: string | undefined): Check {
    return createSelfDial({ host: "127.0.0.1", port, serverName: "localhost", ca: () => ca });
  }

  test("passes once a client that trusts the CA gets a handshake", async () => {
    const { port } = await startWebhook(undefined, { pair });
    const get = await start({ ready: [dialing(port, pair.certificate)] });
    expect((await get("/readyz/serving")).status).toBe(200);
  });

  test("fails when the certificate is another CA's, and passes again after the swap", async () => {
    const next = makePair("two");
    const { port, server } = await startWebhook(undefined, { pair });
    const get = await start({ ready: [dialing(port, next.certificate)] });
    expect(await (await get("/readyz")).text()).toContain("[-]serving failed: TLS dial to 127.0.0.1:");
    server.swapCertificate(next);
    expect((await get("/readyz")).status).toBe(200);
  });

  test("fails when the certificate has another name", async () => {
    const { port } = await startWebhook(undefined, { pair });
    const check = createSelfDial({
      host: "127.0.0.1",
      port,
      serverName: "other.svc",
      ca: () => pair.certificate,
    });
    const get = await start({ ready: [check] });
    expect(await (await get("/readyz")).text()).toContain("[-]serving failed");
  });

  test("takes any certificate as long as no CA is known", async () => {
    const { port } = await startWebhook(undefined, { pair });
    const get = await start({ ready: [dialing(port, undefined)] });
    expect((await get("/readyz")).status).toBe(200);
  });

  test("fails when no one listens", async () => {
    const { port, server } = await startWebhook(undefined, { pair });
    await server.close();
    const get = await start({ ready: [dialing(port, pair.certificate)] });
    expect(await (await get("/readyz")).text()).toContain("ECONNREFUSED");
  });
});

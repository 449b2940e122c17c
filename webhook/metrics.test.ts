import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import type { WebhookMetrics } from "./metrics.ts";
import { createProbeServer } from "../program/probes.ts";
import type { NodeReviewHandler } from "./review.ts";
import { call, type Called } from "./testing/call.ts";
import { makeGate } from "./testing/gate.ts";
import { reviewBody } from "./testing/review-body.ts";
import { until } from "./testing/until.ts";
import { ALLOW, startWebhook } from "./testing/webhook-server.ts";

const GUARD = 'webhook="guard.nodelatch.io"';

interface Scraped {
  readonly post: (body: string) => Promise<Called>;
  /** Scrapes /metrics over HTTP, as Prometheus does; the value of one series. */
  readonly scrape: (series: string) => Promise<number | undefined>;
}

async function start(handle: (metrics: WebhookMetrics | undefined) => NodeReviewHandler): Promise<Scraped> {
  let known: WebhookMetrics | undefined;
  const { port, metrics } = await startWebhook((review, signal) => handle(known)(review, signal));
  known = metrics;
  const probes = createProbeServer({
    live: [],
    ready: [],
    registry: metrics.registry,
    log: pino({ enabled: false }),
  });
  const address = await probes.listen(0, "127.0.0.1");
  onTestFinished(() => probes.close());
  return {
    post: (body) => call(port, "/guard", body),
    async scrape(series) {
      const text = await (await fetch(`http://127.0.0.1:${address.port}/metrics`)).text();
      const line = text.split("\n").find((line) => line.startsWith(`${series} `));
      return line === undefined ? undefined : Number(line.slice(series.length + 1));
    },
  };
}

test.each<[string, string, NodeReviewHandler, string]>([
  ["an allowed review", reviewBody(), () => ALLOW, 'operation="UPDATE",decision="by-holder",code="200"'],
  [
    "a refused review",
    reviewBody({ operation: "DELETE", object: null }),
    () => ({
      kind: "refuse",
      decision: "not-holder",
      code: 403,
      reason: "Forbidden",
      message: "",
      warnings: [],
      audit: {},
    }),
    'operation="DELETE",decision="not-holder",code="403"',
  ],
  ["a bad body", "{", () => ALLOW, 'operation="unknown",decision="bad-request",code="400"'],
  [
    "a handler that throws",
    reviewBody(),
    () => {
      throw new Error("x");
    },
    'operation="UPDATE",decision="error",code="500"',
  ],
])("%s is counted once, by operation, decision and code, and timed", async (_name, body, handle, labels) => {
  const { post, scrape } = await start(() => handle);
  const counted = `nodelatch_webhook_requests_total{${GUARD},${labels}}`;
  const timed = `nodelatch_webhook_request_duration_seconds_count{${GUARD}}`;
  expect([(await scrape(counted)) ?? 0, await scrape(timed)]).toEqual([0, 0]);
  await post(body);
  await post(body);
  expect([await scrape(counted), await scrape(timed)]).toEqual([2, 2]);
});

test("latency is measured in seconds, from half a millisecond", async () => {
  const { post, scrape } = await start(() => async () => {
    await new Promise((resolve) => setTimeout(resolve, 60));
    return ALLOW;
  });
  await post(reviewBody());
  const series = "nodelatch_webhook_request_duration_seconds";
  expect(await scrape(`${series}_bucket{le="0.0005",${GUARD}}`)).toBe(0);
  expect(await scrape(`${series}_bucket{le="0.05",${GUARD}}`)).toBe(0);
  expect(await scrape(`${series}_bucket{le="+Inf",${GUARD}}`)).toBe(1);
  const sum = await scrape(`${series}_sum{${GUARD}}`);
  expect(sum).toBeGreaterThan(0.055);
  expect(sum).toBeLessThan(30);
});

test("what is in flight is counted while it is, and no longer", async () => {
  const gate = makeGate();
  const { post, scrape } = await start(() => gate.handle);
  const series = `nodelatch_webhook_requests_in_flight{${GUARD}}`;
  const both = Promise.all([post(reviewBody()), post(reviewBody())]);
  await until(() => gate.entered() === 2);
  expect(await scrape(series)).toBe(2);
  gate.open();
  await both;
  expect(await scrape(series)).toBe(0);
});

test("panics are counted", async () => {
  const { post, scrape } = await start(() => () => {
    throw new Error("x");
  });
  expect(await scrape("nodelatch_webhook_panics_total")).toBe(0);
  await post(reviewBody());
  expect(await scrape("nodelatch_webhook_panics_total")).toBe(1);
});

test("overrides and events are counted by what became of them", async () => {
  const { post, scrape } = await start((metrics) => () => {
    metrics?.overrode("denied");
    metrics?.event("dropped");
    return ALLOW;
  });
  const denied = 'nodelatch_webhook_overrides_total{decision="denied"}';
  const dropped = 'nodelatch_webhook_events_total{result="dropped"}';
  expect([await scrape(denied), await scrape(dropped)]).toEqual([0, 0]);
  await post(reviewBody());
  expect([await scrape(denied), await scrape(dropped)]).toEqual([1, 1]);
});

test.each([
  "nodelatch_webhook_overloaded_total",
  `nodelatch_webhook_requests_total{${GUARD},operation="UPDATE",decision="not-holder",code="403"}`,
  `nodelatch_webhook_requests_total{${GUARD},operation="UPDATE",decision="error",code="500"}`,
  `nodelatch_webhook_requests_total{${GUARD},operation="unknown",decision="overloaded",code="503"}`,
  'nodelatch_webhook_overrides_total{decision="allowed"}',
  'nodelatch_webhook_overrides_total{decision="unknown"}',
  'nodelatch_webhook_events_total{result="written"}',
  'nodelatch_webhook_events_total{result="held"}',
  'nodelatch_webhook_events_total{result="failed"}',
])("%s starts at 0, so that a first increase is seen", async (series) => {
  const { scrape } = await start(() => () => ALLOW);
  expect(await scrape(series)).toBe(0);
});

test("the certificate's end and the process are shown", async () => {
  const { scrape } = await start(() => () => ALLOW);
  const expiry = (await scrape("nodelatch_certificate_expiry_timestamp_seconds")) ?? 0;
  expect(Math.abs(expiry - (Date.now() / 1_000 + 86_400))).toBeLessThan(120);
  expect(await scrape("process_resident_memory_bytes")).toBeGreaterThan(1_000_000);
  expect(await scrape(`nodelatch_build_info{version="0.0.0-test",node="${process.version}"}`)).toBe(1);
});

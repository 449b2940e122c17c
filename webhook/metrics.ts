/** What /metrics shows of the webhook. Seconds, `_total`, and labels of few values: never a node or a user. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { OverrideAnswer } from "../lock/decide.ts";
import type { Aftermath } from "../lock/message.ts";

export interface MetricsOptions {
  /** Of this program, for nodelatch_build_info. */
  readonly version: string;
  /** Names of the webhooks that will be served, e.g. `guard.nodelatch.io`; their usual series start at 0. */
  readonly webhooks: readonly string[];
}

/** Kept on the node or not, and then what became of it. */
export type RequestedUncordonResult = "kept" | "gone" | "failed" | "dropped" | Aftermath;

export type EventResult = "written" | "held" | "failed" | "dropped";

/** One answered call. */
export interface Answered {
  readonly webhook: string;
  /** CREATE, UPDATE, DELETE, CONNECT, or `unknown` if the body could not be read. */
  readonly operation: string;
  readonly decision: string;
  readonly code: number;
  readonly seconds: number;
}

export interface WebhookMetrics {
  readonly registry: Registry;
  entered(webhook: string): void;
  left(webhook: string): void;
  answered(call: Answered): void;
  /** A handler threw. */
  panicked(): void;
  /** A call was answered with 503 and Retry-After. */
  turnedAway(webhook: string, decision: "overloaded" | "draining"): void;
  /** Who carried an override was looked up: may break the lock, may not, or could not be found out. */
  overrode(decision: OverrideAnswer["kind"]): void;
  /** What became of an Event UncordonRefused. */
  event(result: EventResult): void;
  /** What became of a refused uncordon, when it was to be kept and when its lock went. */
  requestedUncordon(result: RequestedUncordonResult): void;
  /** End of the serving certificate, epoch milliseconds. */
  certificateExpires(atMillis: number): void;
}

/** From half a millisecond, as handlers take less than one; the last is `timeoutSeconds` of the chart. */
const BUCKETS_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3];

/** Series that exist from the start, so that a rate over them sees the first increase. */
const USUAL = [
  ["UPDATE", "by-holder", 200],
  ["UPDATE", "not-holder", 403],
  ["unknown", "bad-request", 400],
  ["UPDATE", "error", 500],
  ["unknown", "overloaded", 503],
] as const;

const OVERRIDE_ANSWERS: readonly OverrideAnswer["kind"][] = ["allowed", "denied", "unknown"];
const EVENT_RESULTS: readonly EventResult[] = ["written", "held", "failed", "dropped"];
const REQUEST_RESULTS: readonly RequestedUncordonResult[] = [
  "kept",
  "gone",
  "failed",
  "dropped",
  "carried-out",
  "denied",
  "unanswered",
  "left",
];

/** Metrics in a registry of their own: no globals, so two servers in one process don't mix. */
export function createMetrics(options: MetricsOptions): WebhookMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const requests = new Counter({
    name: "nodelatch_webhook_requests_total",
    help: "Admission reviews answered, by webhook, operation, decision and status code.",
    labelNames: ["webhook", "operation", "decision", "code"],
    registers,
  });
  const duration = new Histogram({
    name: "nodelatch_webhook_request_duration_seconds",
    help: "Time from the request's headers to its answer.",
    labelNames: ["webhook"],
    buckets: BUCKETS_SECONDS,
    registers,
  });
  // Counted here and read at the scrape: a gauge would hash its labels twice per call.
  const inFlight = new Map<string, number>();
  const inFlightGauge = new Gauge({
    name: "nodelatch_webhook_requests_in_flight",
    help: "Admission reviews being answered now.",
    labelNames: ["webhook"],
    registers: [],
    collect() {
      for (const [webhook, count] of inFlight) this.set({ webhook }, count);
    },
  });
  registry.registerMetric(inFlightGauge);
  const panics = new Counter({
    name: "nodelatch_webhook_panics_total",
    help: "Reviews answered with 500 because the code that decides threw.",
    registers,
  });
  const overloaded = new Counter({
    name: "nodelatch_webhook_overloaded_total",
    help: "Requests answered with 503 and Retry-After because too many were in flight.",
    registers,
  });
  const overrides = new Counter({
    name: "nodelatch_webhook_overrides_total",
    help: "Requests that needed their override, by what RBAC said: allowed, denied, or unknown (could not be asked).",
    labelNames: ["decision"],
    registers,
  });
  const events = new Counter({
    name: "nodelatch_webhook_events_total",
    help: "Events UncordonRefused, by result: written; held back for a later write; failed; or dropped because there were too many.",
    labelNames: ["result"],
    registers,
  });
  const requestedUncordons = new Counter({
    name: "nodelatch_webhook_requested_uncordons_total",
    help: "Refused uncordons: kept on the node; gone (the lock was gone first); failed; dropped as too many; and when the lock went, carried-out; denied (its sender may not any more); unanswered; or left.",
    labelNames: ["result"],
    registers,
  });
  const expiry = new Gauge({
    name: "nodelatch_certificate_expiry_timestamp_seconds",
    help: "End of the serving certificate, in Unix time.",
    registers,
  });
  new Gauge({
    name: "nodelatch_build_info",
    help: "Version of Nodelatch and of Node.js; always 1.",
    labelNames: ["version", "node"],
    registers,
  }).set({ version: options.version, node: process.version }, 1);

  for (const webhook of options.webhooks) {
    duration.zero({ webhook });
    inFlight.set(webhook, 0);
    for (const [operation, decision, code] of USUAL) requests.inc({ webhook, operation, decision, code }, 0);
  }
  for (const decision of OVERRIDE_ANSWERS) overrides.inc({ decision }, 0);
  for (const result of EVENT_RESULTS) events.inc({ result }, 0);
  for (const result of REQUEST_RESULTS) requestedUncordons.inc({ result }, 0);

  return {
    registry,
    entered: (webhook) => inFlight.set(webhook, (inFlight.get(webhook) ?? 0) + 1),
    left: (webhook) => inFlight.set(webhook, (inFlight.get(webhook) ?? 0) - 1),
    answered({ webhook, operation, decision, code, seconds }) {
      requests.inc({ webhook, operation, decision, code });
      duration.observe({ webhook }, seconds);
    },
    panicked: () => panics.inc(),
    turnedAway(webhook, decision) {
      requests.inc({ webhook, operation: "unknown", decision, code: 503 });
      if (decision === "overloaded") overloaded.inc();
    },
    overrode: (decision) => overrides.inc({ decision }),
    event: (result) => events.inc({ result }),
    requestedUncordon: (result) => requestedUncordons.inc({ result }),
    certificateExpires: (atMillis) => expiry.set(atMillis / 1_000),
  };
}

/** What kube-apiserver counts of webhooks, under its own names, so that one scenario reads either server. */
import { Counter, Histogram, Registry } from "prom-client";
import type { Operation } from "./attributes.ts";

/** `admit` and `validating` in the call metrics, as the real server writes them. */
export type WebhookType = "admit" | "validating";

interface CallOutcome {
  readonly name: string;
  readonly type: WebhookType;
  readonly operation: Operation;
  readonly code: number;
  readonly rejected: boolean;
  readonly seconds: number;
}

export interface AdmissionMetrics {
  readonly registry: Registry;
  called(outcome: CallOutcome): void;
  rejected(
    name: string,
    type: WebhookType,
    operation: Operation,
    error: "no_error" | "calling_webhook_error",
    code: number,
  ): void;
  failedOpen(name: string, type: WebhookType): void;
  excluded(name: string, type: WebhookType, operation: Operation): void;
  conditionFailed(name: string, type: WebhookType, operation: Operation): void;
  /** Calls so far by webhook name, answered or not. */
  callsByName(): ReadonlyMap<string, number>;
}

const PREFIX = "apiserver_admission_";

export function admissionMetrics(registry = new Registry()): AdmissionMetrics {
  const registers = [registry];
  const counter = <T extends string>(name: string, help: string, labelNames: readonly T[]): Counter<T> =>
    new Counter({ name: PREFIX + name, help, labelNames, registers });
  const request = counter("webhook_request_total", "Webhook calls.", [
    "name",
    "type",
    "operation",
    "code",
    "rejected",
  ]);
  const rejection = counter("webhook_rejection_count", "Requests refused by or because of a webhook.", [
    "name",
    "type",
    "operation",
    "error_type",
    "rejection_code",
  ]);
  const failOpen = counter("webhook_fail_open_count", "Failed calls that were ignored.", ["name", "type"]);
  const conditionLabels = ["name", "kind", "type", "operation"] as const;
  const exclusions = counter(
    "match_condition_exclusions_total",
    "Requests that a match condition kept from a webhook.",
    conditionLabels,
  );
  const conditionErrors = counter(
    "match_condition_evaluation_errors_total",
    "Match conditions that failed to evaluate.",
    conditionLabels,
  );
  const duration = new Histogram({
    name: `${PREFIX}webhook_admission_duration_seconds`,
    help: "Duration of webhook calls.",
    labelNames: ["name", "type", "operation", "rejected"],
    buckets: [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 25],
    registers,
  });
  const calls = new Map<string, number>();
  return {
    registry,
    called: ({ name, type, operation, code, rejected, seconds }) => {
      request.inc({ name, type, operation, code: String(code), rejected: String(rejected) });
      duration.observe({ name, type, operation, rejected: String(rejected) }, seconds);
      calls.set(name, (calls.get(name) ?? 0) + 1);
    },
    rejected: (name, type, operation, error, code) => {
      rejection.inc({ name, type, operation, error_type: error, rejection_code: String(code) });
    },
    failedOpen: (name, type) => failOpen.inc({ name, type }),
    excluded: (name, type, operation) =>
      exclusions.inc({ name, kind: "webhook", type: step(type), operation }),
    conditionFailed: (name, type, operation) =>
      conditionErrors.inc({ name, kind: "webhook", type: step(type), operation }),
    callsByName: () => new Map(calls),
  };
}

/** The match condition metrics say `validate` where the call metrics say `validating`. */
function step(type: WebhookType): string {
  return type === "admit" ? "admit" : "validate";
}

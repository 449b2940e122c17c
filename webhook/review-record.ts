/** What is remembered of a call: one log line and its metrics. Objects are never logged, only their names. */
import type { Logger } from "pino";
import type { WebhookMetrics } from "./metrics.ts";
import type { FailedOutcome, Outcome } from "./review-outcome.ts";
import type { Review } from "./review.ts";
import { shorten } from "../lock/shorten.ts";

/** Log fields that the sender chooses are cut to this. */
const MAX_LOGGED_CHARACTERS = 256;
/** A job may have thousands of faults; a node's refusal is far shorter. */
const MAX_REFUSAL_CHARACTERS = 2_000;

/** `millis` from the request's headers to its answer. */
export function recordOutcome(
  webhook: string,
  outcome: Outcome,
  millis: number,
  log: Logger,
  metrics: WebhookMetrics,
): void {
  switch (outcome.kind) {
    case "overloaded":
      metrics.turnedAway(webhook, "overloaded");
      return;
    case "gone":
      metrics.answered({
        webhook,
        operation: "unknown",
        decision: "gone",
        code: 499,
        seconds: millis / 1_000,
      });
      log.warn({ webhook, decision: "gone", code: 499, millis: rounded(millis) }, "admission");
      return;
    case "verdict": {
      const { review, verdict } = outcome;
      const code = verdict.kind === "refuse" ? verdict.code : 200;
      const fields = { decision: verdict.decision, code, millis: rounded(millis) };
      const { operation } = review;
      metrics.answered({ webhook, operation, decision: verdict.decision, code, seconds: millis / 1_000 });
      const why = verdict.kind === "refuse" && { refusal: shorten(verdict.message, MAX_REFUSAL_CHARACTERS) };
      log.info({ requestID: review.uid, webhook, ...about(review), ...fields, ...why }, "admission");
      return;
    }
    case "failed":
      recordFailure(webhook, outcome, millis, log, metrics);
  }
}

function recordFailure(
  webhook: string,
  outcome: FailedOutcome,
  millis: number,
  log: Logger,
  metrics: WebhookMetrics,
): void {
  const { uid, decision, review, failure, cause, panic } = outcome;
  const operation = review?.operation ?? "unknown";
  metrics.answered({ webhook, operation, decision, code: failure.code, seconds: millis / 1_000 });
  if (panic === true) metrics.panicked();
  const fields = {
    requestID: uid,
    webhook,
    ...(review !== undefined && about(review)),
    decision,
    code: failure.code,
    millis: rounded(millis),
    refusal: failure.message,
    ...(cause !== undefined && { err: cause }),
  };
  if (failure.code === 500) log.error(fields, "admission");
  else log.warn(fields, "admission");
}

function about(review: Review): object {
  return {
    operation: review.operation,
    subresource: review.subresource,
    ...("node" in review
      ? { node: (review.old ?? review.node)?.name ?? "" }
      : {
          job: shorten((review.old ?? review.job)?.name ?? "", MAX_LOGGED_CHARACTERS),
          version: review.version,
        }),
    user: shorten(review.caller.username, MAX_LOGGED_CHARACTERS),
    dryRun: review.dryRun,
  };
}

/** To a microsecond. */
function rounded(millis: number): number {
  return Math.round(millis * 1_000) / 1_000;
}

/** Takes reviews from a socket and sends their answers, under a deadline, counted and logged once each. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "pino";
import type { WebhookMetrics } from "./metrics.ts";
import { createRequestDeadline } from "./request-deadline.ts";
import { reviewOutcome, type Outcome, type OutcomeContext } from "./review-outcome.ts";
import { recordOutcome } from "./review-record.ts";
import type { JobReviewHandler, NodeReviewHandler, ReviewHandler, Verdict } from "./review.ts";
import { turnAway } from "./turn-away.ts";

/** A webhook at one path. `webhook` is its name in the webhook configuration: metric label and log field. */
export type Webhook =
  | { readonly webhook: string; readonly about?: "nodes"; readonly handle: NodeReviewHandler }
  | { readonly webhook: string; readonly about: "imageprepulljobs"; readonly handle: JobReviewHandler };

/** What all routes of a server share. */
export interface RouteContext extends OutcomeContext {
  readonly log: Logger;
  readonly metrics: WebhookMetrics;
  /** Milliseconds of a clock that never jumps, e.g. `performance.now`. */
  readonly monotonicMillis: () => number;
  /** The server is going away: every answer asks the caller to come back on another connection. */
  readonly isLeaving: () => boolean;
}

/** `query` is what follows the "?" of the URL. */
export type ReviewRoute = (request: IncomingMessage, response: ServerResponse, query: string) => void;

export function createReviewRoute(options: Webhook, context: RouteContext): ReviewRoute {
  const { webhook } = options;
  const handle = handlerOf(options);
  const { inFlight, isLeaving, limits, log, metrics, monotonicMillis } = context;
  const deadlineMillis = createRequestDeadline(limits.requestDeadlineMillis);
  return (request, response, query) => {
    if (!inFlight.tryEnter()) {
      metrics.turnedAway(webhook, "overloaded");
      turnAway(response);
      return;
    }
    const startedMillis = monotonicMillis();
    metrics.entered(webhook);
    const controller = new AbortController();
    const timer = setTimeout(
      () => controller.abort(new DOMException("the deadline of the request has passed", "TimeoutError")),
      deadlineMillis(query),
    ).unref();
    // Fires after the answer, and also when the caller has hung up.
    response.on("close", () => {
      clearTimeout(timer);
      if (!response.writableFinished) controller.abort(new DOMException("the caller hung up", "AbortError"));
      metrics.left(webhook);
      inFlight.leave();
    });
    void answer();

    async function answer(): Promise<void> {
      try {
        const outcome = await reviewOutcome(request, handle, controller.signal, context);
        clearTimeout(timer);
        // Asked now, not when the request came. Without it node:http writes "Connection: close" and ends in order.
        if (isLeaving()) response.shouldKeepAlive = false;
        send(response, outcome);
        recordOutcome(webhook, outcome, monotonicMillis() - startedMillis, log, metrics);
      } catch (cause) {
        // Only a defect of this server gets here, and it may have begun to answer: hanging up is what is left.
        metrics.panicked();
        log.error({ err: cause, webhook }, "answer review");
        response.destroy();
      }
    }
  };
}

/** A configuration may send to a path what another one is for. */
function handlerOf(options: Webhook): ReviewHandler {
  return (review, signal) => {
    if (options.about === "imageprepulljobs") {
      return "job" in review ? options.handle(review, signal) : notFor("imageprepulljobs");
    }
    return "node" in review ? options.handle(review, signal) : notFor("nodes");
  };
}

function notFor(resource: string): Verdict {
  const message = `this path reviews ${resource} (check the rules of the webhook configuration)`;
  const refused = { kind: "refuse", decision: "bad-request", code: 400, reason: "BadRequest" } as const;
  return { ...refused, message, warnings: [], audit: {} };
}

function send(response: ServerResponse, outcome: Outcome): void {
  if (outcome.kind === "gone") response.destroy();
  else if (outcome.kind === "overloaded") turnAway(response);
  else {
    if (outcome.kind === "failed" && outcome.hangUp === true) response.shouldKeepAlive = false;
    response.writeHead(200, {
      "Content-Type": "application/json",
      "Content-Length": Buffer.byteLength(outcome.json),
    });
    response.end(outcome.json);
  }
}

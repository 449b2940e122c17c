/** One review from its body to the answer's JSON. Knows requests, not responses: review-route.ts sends it. */
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { failureAnswer, verdictAnswer, type Failure } from "./answer.ts";
import { isTimeout, readBody, type BodyResult } from "./body.ts";
import type { InFlight } from "./in-flight.ts";
import type { Limits } from "./limits.ts";
import type { ParsePool, PoolResult } from "./parse-pool.ts";
import type { Review, ReviewHandler, Verdict } from "./review.ts";
import { uidNear } from "./uid-near.ts";

/** How a call ended. */
export type Outcome =
  | {
      readonly kind: "verdict";
      readonly json: string;
      readonly review: Review;
      readonly verdict: Verdict;
    }
  | FailedOutcome
  /** To be turned away: too much is in flight. */
  | { readonly kind: "overloaded" }
  /** The caller hung up; there is no one to answer. */
  | { readonly kind: "gone" };

/** Refused without a verdict. */
export interface FailedOutcome {
  readonly kind: "failed";
  readonly json: string;
  readonly uid: string;
  readonly failure: Failure;
  readonly decision: "bad-request" | "too-large" | "late" | "error";
  readonly review?: Review;
  /** For the log only. */
  readonly cause?: unknown;
  /** The handler threw. */
  readonly panic?: true;
  /** A part of the body is still to come, so the connection can't be used on. */
  readonly hangUp?: boolean;
}

export interface OutcomeContext {
  readonly pool: ParsePool;
  readonly inFlight: InFlight;
  readonly limits: Limits;
}

const V1 = "admission.k8s.io/v1";

/** @param signal aborted with a DOMException: `TimeoutError` at the deadline, `AbortError` when the caller hung up. */
export async function reviewOutcome(
  request: IncomingMessage,
  handle: ReviewHandler,
  signal: AbortSignal,
  context: OutcomeContext,
): Promise<Outcome> {
  const read = await readBody(request, context.inFlight, signal, context.limits.maxBodyBytes);
  if (read.kind !== "read") return unreadOutcome(read, context.limits);
  // Asked now: a large body's memory moves to the worker.
  const bytes = read.body.length;
  try {
    const problem = headerProblem(request.headers);
    if (problem !== undefined)
      return failed("bad-request", uidNear(read.body), { code: 400, message: problem });
    const parsing = context.pool.parse(read.body, signal);
    const result = parsing instanceof Promise ? await parsing : parsing;
    if (result.kind !== "parsed") return unparsedOutcome(result, signal);
    const { parsed } = result;
    if (parsed.kind === "bad")
      return failed("bad-request", parsed.uid, parsed, { apiVersion: parsed.apiVersion });
    return await handlerOutcome(parsed.review, handle, signal);
  } finally {
    context.inFlight.giveBack(bytes);
  }
}

async function handlerOutcome(review: Review, handle: ReviewHandler, signal: AbortSignal): Promise<Outcome> {
  try {
    const pending = handle(review, signal);
    // The guard decides most reviews without waiting for anything; then neither does the answer.
    const verdict = pending instanceof Promise ? await beforeAbort(pending, signal) : pending;
    return { kind: "verdict", json: verdictAnswer(review, verdict), review, verdict };
  } catch (cause) {
    if (signal.aborted) return abortedOutcome(review.uid, signal, { review, cause });
    const message = `internal error, nothing was decided; see the webhook's log for requestID ${review.uid}`;
    return failed("error", review.uid, { code: 500, message }, { review, cause, panic: true });
  }
}

/** Settles as `work` does, unless `signal` fires first: then rejects with its reason, whatever `work` does later. */
function beforeAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(new Error("decide review: stopped", { cause: signal.reason }));
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

function unreadOutcome(read: Exclude<BodyResult, { kind: "read" }>, limits: Limits): Outcome {
  switch (read.kind) {
    case "gone":
    case "overloaded":
      return read;
    case "too-large": {
      const message = `body: expected at most ${limits.maxBodyBytes} bytes, got more`;
      return failed("too-large", read.uid, { code: 413, message }, { hangUp: !read.drained });
    }
    case "late":
      return failed(
        "late",
        read.uid,
        { code: 504, message: "the body did not arrive in time" },
        { hangUp: true },
      );
  }
}

function unparsedOutcome(result: Exclude<PoolResult, { kind: "parsed" }>, signal: AbortSignal): Outcome {
  switch (result.kind) {
    case "overloaded":
      return result;
    case "aborted":
      return abortedOutcome(result.uid, signal, {});
    case "failed": {
      const message = `the body could not be parsed within its time and memory; see the webhook's log for requestID ${result.uid}`;
      return failed("error", result.uid, { code: 500, message }, { cause: result.cause });
    }
  }
}

function abortedOutcome(
  uid: string,
  signal: AbortSignal,
  more: { review?: Review; cause?: unknown },
): Outcome {
  if (!isTimeout(signal)) return { kind: "gone" };
  return failed("late", uid, { code: 504, message: "no decision was reached in time; try again" }, more);
}

function failed(
  decision: FailedOutcome["decision"],
  uid: string,
  { code, message }: Failure,
  { apiVersion = V1, ...more }: Partial<FailedOutcome> & { apiVersion?: string } = {},
): FailedOutcome {
  const failure = { code, message };
  return {
    kind: "failed",
    decision,
    uid,
    failure,
    json: failureAnswer({ apiVersion, uid }, failure),
    ...more,
  };
}

/** The API server sends exactly `application/json` and no encoding (apiserver webhook client). */
function headerProblem(headers: IncomingHttpHeaders): string | undefined {
  const type = headers["content-type"] ?? "";
  if (type !== "application/json" && !/^application\/json\s*(;|$)/i.test(type)) {
    return `content-type: expected application/json, got ${JSON.stringify(type.slice(0, 100))}`;
  }
  const encoding = headers["content-encoding"] ?? "identity";
  if (encoding !== "identity") {
    return `content-encoding: expected none, got ${JSON.stringify(encoding.slice(0, 100))}`;
  }
  return undefined;
}

/** What a failed gRPC call means for what to do next. Pure. */
import { status } from "@grpc/grpc-js";
import type { RuntimeFailureKind } from "./runtime.ts";

/** A call that did not end with an answer. `isAbandoned`: the caller ended it. */
export class GrpcFailure extends Error {
  override readonly name = "GrpcFailure";
  readonly code: status;
  readonly details: string;
  readonly isAbandoned: boolean;

  constructor(code: status, details: string, isAbandoned: boolean, options?: { readonly cause?: unknown }) {
    super(`${status[code]}(${code}): ${details}`, options);
    this.code = code;
    this.details = details;
    this.isAbandoned = isAbandoned;
  }
}

/** containerd 1.6 and 1.7 while they start: the socket answers 0.1 s before CRI does (facts/node-observed.md 2). */
const STARTING = /server is not initialized yet/;
/** containerd: "container is in starting state, can't be removed", "container is already in removing state". */
const BUSY = /\bin (?:starting|removing) state\b|\bremoving state for\b/;
/** grpc-js's own words for what breaks the rules of a unary call; it gives them the code UNIMPLEMENTED. */
const NOT_ONE_ANSWER = /^(?:Too many responses received|No message received)$/;
/** Ours and Go's words for an answer over the limit. */
const TOO_LARGE = /message larger than max|message length exceeds/i;
/** grpc-js's words when the other end does not speak HTTP/2 or gRPC, or stopped before it had answered. */
const NOT_GRPC =
  /Protocol error|ERR_HTTP2_|RST_STREAM with code (?:1|3|6|9)\b|Call ended without gRPC status|HTTP status code/;

/** By code and the other end's words. Codes that are not here say nothing that the agent acts upon: `other`. */
const byCode: Readonly<Partial<Record<status, (details: string) => RuntimeFailureKind>>> = {
  [status.DEADLINE_EXCEEDED]: () => "deadline",
  [status.NOT_FOUND]: () => "not-found",
  [status.UNIMPLEMENTED]: (details) => (NOT_ONE_ANSWER.test(details) ? "nonsense" : "unimplemented"),
  [status.RESOURCE_EXHAUSTED]: (details) => (TOO_LARGE.test(details) ? "nonsense" : "other"),
  [status.UNAVAILABLE]: () => "unavailable",
  [status.UNKNOWN]: kindOfUnknown,
};

/** Codes that grpc-js itself gives to a broken exchange, whose words then tell what broke. */
const ownCodes: ReadonlySet<status> = new Set([
  status.UNIMPLEMENTED,
  status.UNKNOWN,
  status.INTERNAL,
  status.UNAVAILABLE,
]);

export function kindOfFailure(failure: GrpcFailure): RuntimeFailureKind {
  if (failure.isAbandoned) return "deadline";
  if (ownCodes.has(failure.code) && NOT_GRPC.test(failure.details)) return "nonsense";
  return byCode[failure.code]?.(failure.details) ?? "other";
}

/** The code that containerd gives to most of its errors. */
function kindOfUnknown(details: string): RuntimeFailureKind {
  if (STARTING.test(details)) return "unavailable";
  return BUSY.test(details) ? "busy" : "other";
}

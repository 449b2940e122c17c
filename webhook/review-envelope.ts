/**
 * The part of an AdmissionReview that is the same whatever it is about: who asks for what. Unknown in, typed out; throws
 * a TypeError that names the field.
 */
import { isUtf8 } from "node:buffer";
import { expected, list, optional, record, text, textOr } from "./json-shape.ts";
import type { Caller, ReviewEnvelope } from "./review.ts";

const OPERATIONS = ["CREATE", "UPDATE", "DELETE", "CONNECT"] as const;
type Operation = (typeof OPERATIONS)[number];

/** No token or certificate holds a million bytes of groups (net/http allows 1 MiB of headers). */
const MAX_CALLER_BYTES = 1024 * 1024;
/** The API server's is a UUID of 36 characters. */
const MAX_UID_CHARACTERS = 128;

/** What of a review could be seen before it turned out to be broken. */
export interface Seen {
  uid: string;
  apiVersion: string;
}

export interface EnvelopeRead {
  readonly envelope: ReviewEnvelope;
  readonly request: Readonly<Record<string, unknown>>;
}

/** @throws TypeError if it is no JSON in UTF-8. */
export function readJson(body: string | Uint8Array): unknown {
  if (typeof body !== "string" && !isUtf8(body))
    throw new TypeError("body: expected JSON in UTF-8, got other bytes");
  const source =
    typeof body === "string" ? body : Buffer.from(body.buffer, body.byteOffset, body.length).toString();
  if (source.length === 0) throw new TypeError("body: expected an AdmissionReview in JSON, got nothing");
  try {
    return JSON.parse(source);
  } catch (cause) {
    // V8 quotes the body in its message; a position is all a caller needs, and bodies stay out of logs and answers.
    const at = /position \d+/.exec(cause instanceof Error ? cause.message : "")?.[0];
    throw new TypeError(
      `body: expected JSON, got text that is none${at === undefined ? "" : ` from ${at} on`}`,
      { cause },
    );
  }
}

/** @param seen gets what can be read of uid and apiVersion, so that even a broken review can be answered. */
export function readEnvelope(raw: unknown, seen: Seen): EnvelopeRead {
  const review = record(raw, "body");
  const request =
    optional(review["request"]) === undefined ? undefined : record(review["request"], "request");
  if (typeof request?.["uid"] === "string") seen.uid = request["uid"].slice(0, MAX_UID_CHARACTERS);
  if (review["kind"] !== "AdmissionReview") throw expected("kind", '"AdmissionReview"', review["kind"]);
  const apiVersion = review["apiVersion"];
  if (apiVersion !== "admission.k8s.io/v1") {
    // Same shape, and the API server reads only an answer in the version it asked in.
    if (apiVersion === "admission.k8s.io/v1beta1") seen.apiVersion = apiVersion;
    throw expected("apiVersion", '"admission.k8s.io/v1" (set admissionReviewVersions: [v1])', apiVersion);
  }
  if (request === undefined) throw expected("request", "an object", review["request"]);
  const uid = text(request["uid"], "request.uid");
  if (uid === "" || uid.length > MAX_UID_CHARACTERS) throw expected("request.uid", "an id to answer to", uid);
  const operation = readOperation(request["operation"]);
  const dryRun = request["dryRun"] ?? false;
  if (typeof dryRun !== "boolean") throw expected("request.dryRun", "true, false or null", dryRun);
  return {
    envelope: {
      apiVersion,
      uid,
      operation,
      subresource: textOr(request["subResource"], "", "request.subResource"),
      dryRun,
      caller: readCaller(request["userInfo"]),
    },
    request,
  };
}

function readOperation(value: unknown): Operation {
  const found = OPERATIONS.find((operation) => operation === value);
  if (found === undefined) throw expected("request.operation", `one of ${OPERATIONS.join(", ")}`, value);
  return found;
}

/** group/version/name of `request[field]`; the core group is "". */
export function readGroupVersion(value: unknown, where: string, name: "kind" | "resource"): string {
  const found = record(value, where);
  return [found["group"] ?? "", found["version"], found[name]].join("/");
}

function readCaller(value: unknown): Caller {
  const raw = record(value, "request.userInfo");
  const username = text(raw["username"], "request.userInfo.username");
  // An empty name would equal the holder of a lock that no one holds.
  if (username === "") throw expected("request.userInfo.username", "the caller's name", username);
  const groups = list(raw["groups"], "request.userInfo.groups");
  let bytes = byteBound(groups);
  const extra: [string, readonly string[]][] = [];
  if (optional(raw["extra"]) !== undefined) {
    for (const [key, values] of Object.entries(record(raw["extra"], "request.userInfo.extra"))) {
      const items = list(values, `request.userInfo.extra[${key}]`);
      bytes += key.length + byteBound(items);
      extra.push([key, items]);
    }
  }
  if (bytes > MAX_CALLER_BYTES)
    throw expected("request.userInfo", `at most ${MAX_CALLER_BYTES} bytes`, `${bytes} bytes`);
  // fromEntries defines own properties, so a key named __proto__ stays a key.
  return {
    username,
    uid: textOr(raw["uid"], "", "request.userInfo.uid"),
    groups,
    extra: Object.fromEntries(extra),
  };
}

function byteBound(items: readonly string[]): number {
  let bytes = 0;
  for (const item of items) bytes += item.length + 1;
  return bytes;
}

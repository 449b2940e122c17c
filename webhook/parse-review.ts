/**
 * The one place that reads a raw AdmissionReview of a Node. Unknown in, typed out; whatever has a type that no API
 * server sends becomes a message for an answer inside a review. Pure, and free of HTTP, so that a worker thread can
 * run it (parse-worker.ts).
 */
import { isUtf8 } from "node:buffer";
import { parseNode, type NodeView } from "../lock/node.ts";
import { expected, list, optional, record, text, textOr } from "./json-shape.ts";
import type { Caller, NodeReview } from "./review.ts";
import { shorten } from "../lock/shorten.ts";

const OPERATIONS = ["CREATE", "UPDATE", "DELETE", "CONNECT"] as const;
type Operation = (typeof OPERATIONS)[number];

/**
 * Bounds on what is handed on, so that the reduced review is small whatever the body was. Kubernetes refuses more than
 * 256 KiB of annotations per object (apimachinery TotalAnnotationSizeLimitB), and no token or certificate holds a
 * million bytes of groups (net/http allows 1 MiB of headers).
 */
const MAX_OWN_ANNOTATION_BYTES = 256 * 1024;
const MAX_CALLER_BYTES = 1024 * 1024;
/** An object's name on CREATE has not been validated yet when webhooks see it (253 is RFC 1123's bound). */
const MAX_NAME_CHARACTERS = 253;
/** The API server's is a UUID of 36 characters. */
const MAX_UID_CHARACTERS = 128;
/** A message may quote a foreign key; longer is no help to anyone. */
const MAX_MESSAGE_CHARACTERS = 600;

/** `uid` is "" when the body had none that could be read. `apiVersion` is the one to answer in. */
export type ParsedReview =
  | { readonly kind: "review"; readonly review: NodeReview }
  | {
      readonly kind: "bad";
      readonly code: 400;
      readonly message: string;
      readonly uid: string;
      readonly apiVersion: string;
    };

/**
 * Reads the body of a call to a webhook that reviews Nodes. Total: never throws.
 * @param body UTF-8 JSON as it came; bytes are checked, a string is taken as it is.
 */
export function parseNodeReview(body: string | Uint8Array): ParsedReview {
  const seen = { uid: "", apiVersion: "admission.k8s.io/v1" };
  try {
    return { kind: "review", review: readReview(readJson(body), seen) };
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    return {
      kind: "bad",
      code: 400,
      message: shorten(`admission review: ${problem}`, MAX_MESSAGE_CHARACTERS),
      ...seen,
    };
  }
}

function readJson(body: string | Uint8Array): unknown {
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

function readReview(raw: unknown, seen: { uid: string; apiVersion: string }): NodeReview {
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
  checkResource(request["resource"]);
  if (operation !== "CONNECT") checkKind(request["kind"], "request.kind");
  if (operation !== "CONNECT" && optional(request["requestKind"]) !== undefined) {
    checkKind(request["requestKind"], "request.requestKind");
  }
  const dryRun = request["dryRun"] ?? false;
  if (typeof dryRun !== "boolean") throw expected("request.dryRun", "true, false or null", dryRun);
  return {
    apiVersion,
    uid,
    operation,
    subresource: textOr(request["subResource"], "", "request.subResource"),
    dryRun,
    caller: readCaller(request["userInfo"]),
    old: readSide(request, "oldObject", operation, operation === "UPDATE" || operation === "DELETE"),
    node: readSide(request, "object", operation, operation === "UPDATE" || operation === "CREATE"),
  };
}

function readOperation(value: unknown): Operation {
  const found = OPERATIONS.find((operation) => operation === value);
  if (found === undefined) throw expected("request.operation", `one of ${OPERATIONS.join(", ")}`, value);
  return found;
}

function checkResource(value: unknown): void {
  const resource = record(value, "request.resource");
  const name = [resource["group"], resource["version"], resource["resource"]];
  if ((name[0] ?? "") === "" && name[1] === "v1" && name[2] === "nodes") return;
  throw expected(
    "request.resource",
    "core/v1 nodes (check the rules of the webhook configuration)",
    name.join("/"),
  );
}

function checkKind(value: unknown, where: string): void {
  const kind = record(value, where);
  const name = [kind["group"], kind["version"], kind["kind"]];
  if ((name[0] ?? "") === "" && name[1] === "v1" && name[2] === "Node") return;
  throw expected(where, "core/v1 Node", name.join("/"));
}

/** CONNECT (nodes/proxy) carries options, never a Node. */
function readSide(
  request: Record<string, unknown>,
  field: "object" | "oldObject",
  operation: Operation,
  needed: boolean,
): NodeView | null {
  const where = `request.${field}`;
  if (needed && optional(request[field]) === undefined) {
    throw expected(where, `a Node on ${operation}`, request[field]);
  }
  if (!needed) return null;
  const view = parseNode(request[field], where);
  if (view.name.length > MAX_NAME_CHARACTERS) {
    throw expected(`${where}.metadata.name`, `at most ${MAX_NAME_CHARACTERS} characters`, view.name);
  }
  let bytes = 0;
  for (const [key, value] of view.annotations) bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  if (bytes <= MAX_OWN_ANNOTATION_BYTES) return view;
  throw expected(
    `${where}.metadata.annotations`,
    `at most ${MAX_OWN_ANNOTATION_BYTES} bytes`,
    `${bytes} bytes`,
  );
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

/**
 * The one place that reads a raw AdmissionReview. Unknown in, typed out; whatever has a type that no API server sends
 * becomes a message for an answer inside a review. Pure, and free of HTTP, so that a worker thread can run it
 * (parse-worker.ts).
 */
import { parseNode, type NodeView } from "../lock/node.ts";
import { shorten } from "../lock/shorten.ts";
import { readJob, type JobView } from "../prepull/job.ts";
import { expected, optional, record, textOr } from "./json-shape.ts";
import { readEnvelope, readGroupVersion, readJson, type EnvelopeRead } from "./review-envelope.ts";
import type { JobReview, NodeReview, Review, ReviewEnvelope } from "./review.ts";

/**
 * Bounds on what is handed on, so that the reduced review of a Node is small whatever the body was. Kubernetes refuses
 * more than 256 KiB of annotations per object (apimachinery TotalAnnotationSizeLimitB).
 */
const MAX_OWN_ANNOTATION_BYTES = 256 * 1024;
/** An object's name on CREATE has not been validated yet when webhooks see it (253 is RFC 1123's bound). */
const MAX_NAME_CHARACTERS = 253;
/** A message may quote a foreign key; longer is no help to anyone. */
const MAX_MESSAGE_CHARACTERS = 600;

/** `uid` is "" when the body had none that could be read. `apiVersion` is the one to answer in. */
export type ParsedReview =
  | { readonly kind: "review"; readonly review: Review }
  | {
      readonly kind: "bad";
      readonly code: 400;
      readonly message: string;
      readonly uid: string;
      readonly apiVersion: string;
    };

/**
 * Reads the body of a call to a webhook. Total: never throws.
 * @param body UTF-8 JSON as it came; bytes are checked, a string is taken as it is.
 * @param watched annotations of Nodes to keep besides Nodelatch's own.
 */
export function parseReview(body: string | Uint8Array, watched?: ReadonlySet<string>): ParsedReview {
  const seen = { uid: "", apiVersion: "admission.k8s.io/v1" };
  try {
    return { kind: "review", review: readReview(readEnvelope(readJson(body), seen), watched) };
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

const JOBS = /^operations\.kubeedge\.io\/v1alpha[12]\/imageprepulljobs$/;
const JOB_KIND = /^operations\.kubeedge\.io\/v1alpha[12]\/ImagePrePullJob$/;

type Watched = ReadonlySet<string> | undefined;

function readReview({ envelope, request }: EnvelopeRead, watched: Watched): Review {
  const resource = readGroupVersion(request["resource"], "request.resource", "resource");
  if (resource === "/v1/nodes") return readNodeReview(envelope, request, watched);
  if (JOBS.test(resource)) return readJobReview(envelope, request);
  throw expected(
    "request.resource",
    "core/v1 nodes or operations.kubeedge.io imageprepulljobs (check the rules of the webhook configuration)",
    resource,
  );
}

function readNodeReview(
  envelope: ReviewEnvelope,
  request: EnvelopeRead["request"],
  watched: Watched,
): NodeReview {
  const { operation } = envelope;
  const read = (field: Side, needed: boolean): NodeView | null =>
    readNode(request, field, operation, needed, watched);
  if (operation !== "CONNECT") checkKinds(request, /^\/v1\/Node$/, "core/v1 Node");
  return {
    ...envelope,
    old: read("oldObject", operation === "UPDATE" || operation === "DELETE"),
    node: read("object", operation === "UPDATE" || operation === "CREATE"),
  };
}

function readJobReview(envelope: ReviewEnvelope, request: EnvelopeRead["request"]): JobReview {
  const { operation } = envelope;
  checkKinds(request, JOB_KIND, "operations.kubeedge.io ImagePrePullJob");
  // Converted to another version, a request still says in which one it was sent.
  const sent = record(request["requestResource"] ?? request["resource"], "request.requestResource");
  return {
    ...envelope,
    version: textOr(sent["version"], "", "request.requestResource.version"),
    old: readSide(request, "oldObject", operation, operation === "UPDATE" || operation === "DELETE"),
    job: readSide(request, "object", operation, operation === "UPDATE" || operation === "CREATE"),
  };
}

function checkKinds(request: EnvelopeRead["request"], wanted: RegExp, words: string): void {
  for (const field of ["kind", "requestKind"]) {
    if (field === "requestKind" && optional(request[field]) === undefined) continue;
    const where = `request.${field}`;
    const found = readGroupVersion(request[field], where, "kind");
    if (!wanted.test(found)) throw expected(where, words, found);
  }
}

type Side = "object" | "oldObject";

function readSide(
  request: EnvelopeRead["request"],
  field: Side,
  operation: string,
  needed: boolean,
): JobView | null {
  if (!needed) return null;
  const where = `request.${field}`;
  if (optional(request[field]) === undefined) {
    throw expected(where, `an ImagePrePullJob on ${operation}`, request[field]);
  }
  return readJob(record(request[field], where));
}

/** CONNECT (nodes/proxy) carries options, never a Node. */
function readNode(
  request: EnvelopeRead["request"],
  field: Side,
  operation: string,
  needed: boolean,
  watched: Watched,
): NodeView | null {
  const where = `request.${field}`;
  if (needed && optional(request[field]) === undefined) {
    throw expected(where, `a Node on ${operation}`, request[field]);
  }
  if (!needed) return null;
  const view = parseNode(request[field], where, watched);
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

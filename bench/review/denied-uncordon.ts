/** The AdmissionReview of a stranger's `kubectl uncordon`, as an API server writes it, and as HTTP requests. */
import type { Requests } from "../load/closed-loop.ts";
import { lockedNode, uncordoned, type JsonObject } from "./locked-node.ts";

const NODE_UID = "6f2b1c9e-6a0e-4ab6-9a0b-5d6c1f0e7a31";
const UID_DIGITS = 12;
const FIRST_UID = `705ab4f5-6393-11e8-b7cc-${"0".repeat(UID_DIGITS)}`;
const NODE_NAME = "worker-17";

/** JSON of one review of at most `bytes`; up to 500 less. Its uid is `FIRST_UID`. */
export function deniedUncordonReview(bytes: number): string {
  const without = Buffer.byteLength(JSON.stringify(reviewOf(NODE_NAME, {}, {})));
  const old = stored(lockedNode({ name: NODE_NAME, bytes: Math.floor((bytes - without) / 2) - storedBytes }));
  return JSON.stringify(reviewOf(NODE_NAME, old, uncordoned(old)));
}

/** POSTs of the review to `path`, each with a uid of its own, in bytes that one connection may keep to itself. */
export function reviewRequests(review: string, path: string): Requests {
  const head = [
    `POST ${path} HTTP/1.1`,
    "Host: nodelatch-webhook.nodelatch-system.svc:443",
    "User-Agent: kube-apiserver-admission",
    `Content-Length: ${Buffer.byteLength(review)}`,
    "Accept: application/json, */*",
    "Content-Type: application/json",
    "Accept-Encoding: gzip",
  ];
  const bytes = Buffer.from(`${head.join("\r\n")}\r\n\r\n${review}`);
  const at = bytes.indexOf(FIRST_UID) + FIRST_UID.length - UID_DIGITS;
  const prefix = FIRST_UID.slice(0, -UID_DIGITS);
  let sent = 0;
  let expected = "";
  return {
    next() {
      sent += 1;
      const digits = String(sent).padStart(UID_DIGITS, "0");
      bytes.write(digits, at, "latin1");
      expected = `"uid":"${prefix}${digits}"`;
      return bytes;
    },
    check({ status, body }) {
      if (status === 200 && body.includes(expected) && body.includes('"allowed":false')) return;
      throw new Error(`expected a denial with ${expected}, got ${status}: ${body.toString("utf8", 0, 500)}`);
    },
  };
}

function reviewOf(name: string, oldObject: JsonObject, object: JsonObject): JsonObject {
  const kind = { group: "", version: "v1", kind: "Node" };
  const resource = { group: "", version: "v1", resource: "nodes" };
  return {
    kind: "AdmissionReview",
    apiVersion: "admission.k8s.io/v1",
    request: {
      uid: FIRST_UID,
      kind,
      resource,
      requestKind: kind,
      requestResource: resource,
      name,
      operation: "UPDATE",
      userInfo: {
        username: "bob@example.com",
        groups: ["ops", "system:authenticated"],
        extra: { "authentication.kubernetes.io/credential-id": [`X509SHA256=${"0f".repeat(32)}`] },
      },
      object,
      oldObject,
      dryRun: false,
      options: { kind: "PatchOptions", apiVersion: "meta.k8s.io/v1" },
    },
  };
}

/** With what an API server adds to a stored Node. */
function stored(node: JsonObject): JsonObject {
  return { ...node, metadata: { ...recordOf(node["metadata"]), ...serverFields } };
}

const serverFields = {
  uid: NODE_UID,
  resourceVersion: "1048576",
  creationTimestamp: "2026-10-01T08:00:00Z",
  managedFields: [
    {
      manager: "kubelet",
      operation: "Update",
      apiVersion: "v1",
      time: "2026-11-21T09:10:11Z",
      fieldsType: "FieldsV1",
      fieldsV1: { "f:status": { "f:conditions": { 'k:{"type":"Ready"}': { "f:lastHeartbeatTime": {} } } } },
      subresource: "status",
    },
    {
      manager: "kubectl-cordon",
      operation: "Update",
      apiVersion: "v1",
      time: "2026-11-21T09:14:00Z",
      fieldsType: "FieldsV1",
      fieldsV1: { "f:spec": { "f:unschedulable": {} } },
    },
  ],
};
const storedBytes = Buffer.byteLength(JSON.stringify(serverFields));

function recordOf(value: unknown): JsonObject {
  if (typeof value === "object" && value !== null) return { ...value };
  throw new TypeError("metadata: expected an object");
}

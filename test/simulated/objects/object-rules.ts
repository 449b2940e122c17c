/**
 * Per kind: what the server fills in, what it resets, what it refuses. The resets are the reason why a webhook
 * must also look at nodes/status: only spec is put back there, annotations are not.
 */
import { isObject, listAt, objectAt, own, textAt, textEntries } from "./json.ts";
import type { Json, JsonObject } from "./json.ts";
import { checkMetadata, checkMetadataUpdate } from "./metadata-rules.ts";
import { events, leases, mutatingWebhooks, nodes, pods, secrets, validatingWebhooks } from "./resource.ts";
import type { Resource } from "./resource.ts";
import { invalidValue, requiredValue, unsupportedValue } from "./status.ts";
import type { FieldError } from "./status.ts";
import { checkWebhooks, withWebhookDefaults } from "./webhook-rules.ts";

/** Defaults that the decoder sets, before admission sees the object. */
export function withDefaults(resource: Resource, object: JsonObject): JsonObject {
  if (resource === secrets) return withStringData(object);
  if (resource === validatingWebhooks || resource === mutatingWebhooks) {
    return withWebhookDefaults(object, resource === mutatingWebhooks);
  }
  return object;
}

/** Puts back what this endpoint may not change. */
export function withResets(
  resource: Resource,
  subresource: string,
  object: JsonObject,
  old: JsonObject,
): JsonObject {
  if (resource !== nodes && resource !== pods) return object;
  const part = subresource === "status" ? "spec" : "status";
  return { ...object, [part]: objectAt(old, part) };
}

/** Everything wrong with an object; `old` is undefined for a new one. */
export function checkObject(resource: Resource, object: JsonObject, old?: JsonObject): FieldError[] {
  const common = [...checkMetadata(object), ...(old === undefined ? [] : checkMetadataUpdate(object, old))];
  if (resource === nodes) return [...common, ...checkNode(object, old)];
  if (resource === events) return [...common, ...checkEvent(object)];
  if (resource === secrets) return [...common, ...checkSecret(object, old)];
  if (resource === leases) return [...common, ...checkLease(object)];
  if (resource === validatingWebhooks || resource === mutatingWebhooks) {
    return [...common, ...checkWebhooks(object)];
  }
  return common;
}

const TAINT_EFFECTS = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

function checkNode(object: JsonObject, old: JsonObject | undefined): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [index, taint] of listAt(objectAt(object, "spec"), "taints").entries()) {
    const key = textAt(objectAt(taint), "key");
    const effect = textAt(objectAt(taint), "effect");
    const at = `metadata.taints[${index}]`;
    if (key === "") errors.push(requiredValue(`${at}.key`));
    if (!TAINT_EFFECTS.includes(effect)) errors.push(unsupportedValue(`${at}.effect`, effect, TAINT_EFFECTS));
    if (seen.has(`${key}:${effect}`)) {
      errors.push(invalidValue(at, taint, "taints must be unique by key and effect pair"));
    }
    seen.add(`${key}:${effect}`);
  }
  for (const field of ["podCIDR", "providerID"]) {
    const before = textAt(objectAt(old, "spec"), field);
    if (before !== "" && textAt(objectAt(object, "spec"), field) !== before) {
      const body = `Forbidden: node updates may not change ${field} except from "" to valid`;
      errors.push({ type: "FieldValueForbidden", field: `spec.${field}`, body });
    }
  }
  return errors;
}

/** An Event about a Node must lie in `default`: a Node has no namespace. Easy to get wrong, so it is checked. */
function checkEvent(object: JsonObject): FieldError[] {
  const namespace = textAt(objectAt(object, "metadata"), "namespace");
  const about = textAt(objectAt(object, "involvedObject"), "namespace");
  const mismatch = invalidValue("involvedObject.namespace", about, "does not match event.namespace");
  if (textAt(object, "eventTime") === "") {
    return namespace === (about === "" ? "default" : about) ? [] : [mismatch];
  }
  const errors = about === "" && !["default", "kube-system"].includes(namespace) ? [mismatch] : [];
  for (const field of ["reportingComponent", "reportingInstance", "action", "reason"]) {
    if (textAt(object, field) === "") errors.push(requiredValue(field));
  }
  if (!["Normal", "Warning"].includes(textAt(object, "type"))) {
    errors.push(invalidValue("type", "", "has invalid value: must be Normal or Warning"));
  }
  return errors;
}

function withStringData(object: JsonObject): JsonObject {
  const { stringData, ...rest } = object;
  const typed: JsonObject = { ...rest, type: textAt(object, "type") || "Opaque" };
  if (!isObject(stringData)) return typed;
  const encoded = textEntries(stringData).map(([key, value]): [string, Json] => [
    key,
    Buffer.from(value).toString("base64"),
  ]);
  return { ...typed, data: { ...objectAt(object, "data"), ...Object.fromEntries(encoded) } };
}

function checkSecret(object: JsonObject, old: JsonObject | undefined): FieldError[] {
  const errors: FieldError[] = [];
  const data = objectAt(object, "data");
  const type = textAt(object, "type");
  const bytes = textEntries(data).reduce((sum, [, value]) => sum + Buffer.byteLength(value, "base64"), 0);
  if (bytes > 1024 * 1024) {
    errors.push({
      type: "FieldValueTooLong",
      field: "data",
      body: "Too long: may not be more than 1048576 bytes",
    });
  }
  if (type === "kubernetes.io/tls") {
    for (const key of ["tls.crt", "tls.key"]) {
      if (own(data, key) === undefined) errors.push(requiredValue(`data[${key}]`));
    }
  }
  if (old === undefined) return errors;
  if (type !== textAt(old, "type")) errors.push(invalidValue("type", type, "field is immutable"));
  if (own(old, "immutable") === true && JSON.stringify(data) !== JSON.stringify(objectAt(old, "data"))) {
    const body = "Forbidden: field is immutable when `immutable` is set";
    errors.push({ type: "FieldValueForbidden", field: "data", body });
  }
  return errors;
}

function checkLease(object: JsonObject): FieldError[] {
  const seconds = own(objectAt(object, "spec"), "leaseDurationSeconds");
  return typeof seconds === "number" && seconds <= 0
    ? [invalidValue("spec.leaseDurationSeconds", seconds, "must be greater than 0")]
    : [];
}

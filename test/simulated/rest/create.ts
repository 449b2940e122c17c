/** POST, and the PUT that creates. */
import { randomBytes, randomUUID } from "node:crypto";
import { answerReview } from "../access/access-review.ts";
import { objectAt, own, textAt, without } from "../objects/json.ts";
import type { JsonObject } from "../objects/json.ts";
import { checkObject } from "../objects/object-rules.ts";
import { AUTHENTICATION_GROUP, kindSubjectOf, namespaces, subjectOf } from "../objects/resource.ts";
import type { Resource } from "../objects/resource.ts";
import { alreadyExists, badRequest, invalid, notFound, plainError } from "../objects/status.ts";
import { attributesOf } from "./api.ts";
import type { Api, ApiAnswer, ApiRequest } from "./api.ts";
import { fromBody } from "./typed-object.ts";
import { fieldValidation, writeOptions } from "./write-options.ts";

/** @throws StatusError */
export async function create(api: Api, request: ApiRequest): Promise<ApiAnswer> {
  const { resource, query, notes } = request;
  const given = fromBody(resource, request.body, fieldValidation(query), notes);
  if (resource.virtual) {
    const body = answerReview(resource, given, request.user, api.authorizer);
    const dated = { creationTimestamp: timestamp(api.now()), ...objectAt(body, "metadata") };
    // Only the review of oneself is dated by the real server.
    return { code: 201, body: resource.group === AUTHENTICATION_GROUP ? { ...body, metadata: dated } : body };
  }
  return createObject(api, request, given);
}

/** Mutating webhooks see the object before it has a uid, validating ones after, as on the real server. */
export async function createObject(api: Api, request: ApiRequest, given: JsonObject): Promise<ApiAnswer> {
  const { resource } = request;
  if (own(objectAt(given, "metadata"), "resourceVersion") !== undefined) {
    throw plainError("resourceVersion should not be set on objects to be created");
  }
  const wiped = named(given, request.namespace, resource.namespaced);
  const name = textAt(objectAt(wiped, "metadata"), "name");
  const namespace = resource === namespaces ? name : request.namespace;
  demandNamespace(api, request);
  const options = writeOptions("CreateOptions", request.query);
  const attributes = attributesOf({ ...request, name, namespace }, "CREATE", options);
  const mutated = await api.admission.mutate(attributes, { object: wiped, oldObject: null });
  const object = withSystemFields(resource, mutated ?? wiped, api.now());
  const errors = checkObject(resource, object);
  if (errors.length > 0) throw invalid(kindSubjectOf(resource, name), errors);
  await api.admission.validate(attributes, { object, oldObject: null });
  if (api.store.get(resource, request.namespace, name) !== undefined)
    throw alreadyExists(subjectOf(resource, name));
  return { code: 201, body: attributes.dryRun ? object : api.store.put(resource, object) };
}

/** @throws StatusError 404 as the NamespaceLifecycle admission plugin. */
function demandNamespace(api: Api, { resource, namespace }: ApiRequest): void {
  if (resource.namespaced && api.store.get(namespaces, "", namespace) === undefined) {
    throw notFound(subjectOf(namespaces, namespace));
  }
}

/** Name and namespace settled, fields of the server's own taken away. */
function named(object: JsonObject, namespace: string, namespaced: boolean): JsonObject {
  const metadata = objectAt(object, "metadata");
  const given = textAt(metadata, "namespace");
  if (given !== "" && given !== (namespaced ? namespace : "")) {
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
  const prefix = textAt(metadata, "generateName");
  const name = textAt(metadata, "name") || (prefix === "" ? "" : prefix + randomSuffix());
  const rest = without(
    metadata,
    "name",
    "uid",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
  );
  return {
    ...object,
    metadata: { ...(name === "" ? {} : { name }), ...rest, ...(namespaced ? { namespace } : {}) },
  };
}

function withSystemFields(resource: Resource, object: JsonObject, now: Date): JsonObject {
  const metadata = {
    ...objectAt(object, "metadata"),
    uid: randomUUID(),
    creationTimestamp: timestamp(now),
    ...(resource.generation ? { generation: 1 } : {}),
  };
  return { ...object, metadata };
}

/** metav1.Time: whole seconds. */
export function timestamp(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, "Z");
}

const SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789";

function randomSuffix(): string {
  return [...randomBytes(5)].map((byte) => SUFFIX_LETTERS[byte % SUFFIX_LETTERS.length]).join("");
}

/** PUT and PATCH, on the object or its status. */
import { isDeepStrictEqual } from "node:util";
import { objectAt, own, textAt, textsAt, without } from "../objects/json.ts";
import type { Json, JsonObject } from "../objects/json.ts";
import { checkObject, withResets } from "../objects/object-rules.ts";
import { kindSubjectOf, subjectOf } from "../objects/resource.ts";
import type { Resource } from "../objects/resource.ts";
import { badRequest, conflict, invalid, invalidValue, MODIFIED, notFound } from "../objects/status.ts";
import { patched } from "../patch/patch.ts";
import { versionOf } from "../storage/store.ts";
import { attributesOf } from "./api.ts";
import type { Api, ApiAnswer, ApiRequest } from "./api.ts";
import { createObject } from "./create.ts";
import { fromBody, fromPatch } from "./typed-object.ts";
import { fieldValidation, writeOptions } from "./write-options.ts";

/** As often may another write slip in between reading and writing before the client hears of it. */
const MAX_TRIES = 20;
/** Whatever an update says of these, the stored value stays. */
const SERVER_FIELDS = [
  "creationTimestamp",
  "resourceVersion",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "generation",
] as const;

/** @throws StatusError */
export async function replace(api: Api, request: ApiRequest): Promise<ApiAnswer> {
  const { resource, subresource, namespace, name } = request;
  const object = fromBody(resource, request.body, fieldValidation(request.query), request.notes);
  const metadata = objectAt(object, "metadata");
  checkName(metadata, request);
  const givenNamespace = textAt(metadata, "namespace");
  if (resource.namespaced && givenNamespace !== "" && givenNamespace !== namespace) {
    throw badRequest(
      `the namespace of the object (${givenNamespace}) does not match the namespace on the request (${namespace})`,
    );
  }
  const existing = api.store.get(resource, resource.namespaced ? namespace : "", name);
  if (existing === undefined && resource.createOnUpdate && subresource === "") {
    const access = { ...request, verb: "create", group: resource.group, resource: resource.name, path: "" };
    api.authorizer.demand(request.user, access);
    return createObject(api, request, object);
  }
  const uid = textAt(metadata, "uid");
  const stored = textAt(objectAt(existing, "metadata"), "uid");
  if (existing !== undefined && uid !== "" && uid !== stored) {
    const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${stored}`;
    throw conflict(subjectOf(resource, name), why);
  }
  return update(api, request, () => withNamespace(object, resource, namespace));
}

/** @throws StatusError */
export async function patch(api: Api, request: ApiRequest): Promise<ApiAnswer> {
  const { resource, query, contentType, body, notes } = request;
  if (body === undefined) throw badRequest("body: a patch is required");
  return update(api, request, (existing) => {
    const object = fromPatch(
      resource,
      patched(contentType, resource, existing, body),
      fieldValidation(query),
      notes,
    );
    checkName(objectAt(object, "metadata"), request);
    return object;
  });
}

function checkName(metadata: JsonObject, { name }: ApiRequest): void {
  const given = textAt(metadata, "name");
  if (given === name) return;
  throw badRequest(`the name of the object (${given}) does not match the name on the URL (${name})`);
}

/** Reads, changes, admits, checks, writes; starts over if the object changed meanwhile (GuaranteedUpdate). */
async function update(
  api: Api,
  request: ApiRequest,
  change: (existing: JsonObject) => JsonObject,
): Promise<ApiAnswer> {
  const { resource, subresource, name } = request;
  const key = resource.namespaced ? request.namespace : "";
  const attributes = attributesOf(request, "UPDATE", writeOptions("UpdateOptions", request.query));
  const written = request.notes.warnings.length;
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    request.notes.warnings.length = written;
    const existing = api.store.get(resource, key, name);
    if (existing === undefined) throw notFound(subjectOf(resource, name));
    const changed = change(existing);
    const mutated =
      (await api.admission.mutate(attributes, { object: changed, oldObject: existing })) ?? changed;
    const final = prepared(resource, subresource, mutated, existing);
    const errors = checkObject(resource, final, existing);
    if (errors.length > 0) throw invalid(kindSubjectOf(resource, name), errors);
    await api.admission.validate(attributes, { object: final, oldObject: existing });
    if (api.store.get(resource, key, name) !== existing) continue;
    if (isDeepStrictEqual(final, existing)) return { code: 200, body: existing };
    if (attributes.dryRun) return { code: 200, body: final };
    if (isFinished(final)) {
      api.store.remove(resource, final);
      return { code: 200, body: final };
    }
    return { code: 200, body: api.store.put(resource, final) };
  }
  throw conflict(subjectOf(resource, name), MODIFIED);
}

/** The new object with everything put back that an update may not touch. @throws StatusError 409, 422 */
function prepared(
  resource: Resource,
  subresource: string,
  object: JsonObject,
  existing: JsonObject,
): JsonObject {
  const before = objectAt(existing, "metadata");
  const metadata = objectAt(object, "metadata");
  const version = textAt(metadata, "resourceVersion");
  const name = textAt(before, "name");
  if (version === "" && !resource.unconditionalUpdate) {
    const why = "must be specified for an update";
    throw invalid({ group: resource.group, kind: resource.name, name }, [
      invalidValue("metadata.resourceVersion", 0, why),
    ]);
  }
  if (version !== "" && version !== versionOf(existing)) throw conflict(subjectOf(resource, name), MODIFIED);
  const reset = withResets(resource, subresource, object, existing);
  const kept = SERVER_FIELDS.flatMap((key): [string, Json][] => {
    const value = own(before, key);
    return value === undefined ? [] : [[key, value]];
  });
  const uid = textAt(metadata, "uid") || textAt(before, "uid");
  const rest = without(metadata, "generation");
  const result = { ...reset, metadata: { ...rest, uid, ...Object.fromEntries(kept) } };
  return withGeneration(result, existing);
}

/** Webhook configurations count the changes of what they say. */
function withGeneration(object: JsonObject, existing: JsonObject): JsonObject {
  const metadata = objectAt(object, "metadata");
  const generation = own(metadata, "generation");
  if (
    typeof generation !== "number" ||
    isDeepStrictEqual(own(object, "webhooks"), own(existing, "webhooks"))
  ) {
    return object;
  }
  return { ...object, metadata: { ...metadata, generation: generation + 1 } };
}

/** Being deleted, and nobody holds it any more. */
function isFinished(object: JsonObject): boolean {
  const metadata = objectAt(object, "metadata");
  return own(metadata, "deletionTimestamp") !== undefined && textsAt(metadata, "finalizers").length === 0;
}

function withNamespace(object: JsonObject, resource: Resource, namespace: string): JsonObject {
  if (!resource.namespaced) return object;
  return { ...object, metadata: { ...objectAt(object, "metadata"), namespace } };
}

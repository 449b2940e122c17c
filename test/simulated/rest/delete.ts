/**
 * DELETE of one object and of many. There is no grace period and no garbage collector: gracePeriodSeconds and
 * propagationPolicy are passed to admission and otherwise ignored.
 */
import { objectAt, own, textAt, textsAt, without } from "../objects/json.ts";
import type { JsonObject } from "../objects/json.ts";
import { apiVersionOf, subjectOf } from "../objects/resource.ts";
import type { Resource } from "../objects/resource.ts";
import { conflict, MODIFIED, notFound, statusObject } from "../objects/status.ts";
import { selectorOf } from "../storage/selector.ts";
import { versionOf } from "../storage/store.ts";
import { attributesOf } from "./api.ts";
import type { Api, ApiAnswer, ApiRequest } from "./api.ts";
import type { Attributes } from "../admission/attributes.ts";
import { timestamp } from "./create.ts";
import { deleteOptions } from "./write-options.ts";

const MAX_TRIES = 20;

/** @throws StatusError */
export async function remove(api: Api, request: ApiRequest): Promise<ApiAnswer> {
  const { resource, name } = request;
  const attributes = attributesOf(request, "DELETE", deleteOptions(request.query, request.body));
  const { object, gone } = await removeOne(api, attributes, keyOf(request), name);
  if (!gone) return { code: 200, body: object };
  const uid = textAt(objectAt(object, "metadata"), "uid");
  const group = resource.group === "" ? {} : { group: resource.group };
  const details = { name, ...group, kind: resource.name, uid };
  return { code: 200, body: statusObject("Success", { details }) };
}

/** One after the other, each through admission without a name; the first refusal ends it, what is gone is gone. */
export async function removeMany(api: Api, request: ApiRequest): Promise<ApiAnswer> {
  const { resource } = request;
  const attributes = attributesOf(request, "DELETE", deleteOptions(request.query, request.body));
  const items: JsonObject[] = [];
  for (const object of api.store.list(resource, keyOf(request)).filter(selectorOf(resource, request.query))) {
    const metadata = objectAt(object, "metadata");
    items.push(
      (await removeOne(api, attributes, textAt(metadata, "namespace"), textAt(metadata, "name"))).object,
    );
  }
  return { code: 200, body: listOf(resource, items, api.store.version()) };
}

async function removeOne(
  api: Api,
  attributes: Attributes,
  namespace: string,
  name: string,
): Promise<{ object: JsonObject; gone: boolean }> {
  const { resource } = attributes;
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const existing = api.store.get(resource, namespace, name);
    if (existing === undefined) throw notFound(subjectOf(resource, name));
    checkPreconditions(resource, existing, objectAt(attributes.options, "preconditions"));
    const objects = { object: null, oldObject: existing };
    await api.admission.mutate(attributes, objects);
    await api.admission.validate(attributes, objects);
    if (api.store.get(resource, namespace, name) !== existing) continue;
    const metadata = objectAt(existing, "metadata");
    const held = textsAt(metadata, "finalizers").length > 0;
    if (!held)
      return { object: attributes.dryRun ? existing : api.store.remove(resource, existing), gone: true };
    if (own(metadata, "deletionTimestamp") !== undefined) return { object: existing, gone: false };
    const deletionTimestamp = timestamp(api.now());
    const marked = {
      ...existing,
      metadata: { ...metadata, deletionTimestamp, deletionGracePeriodSeconds: 0 },
    };
    return { object: attributes.dryRun ? marked : api.store.put(resource, marked), gone: false };
  }
  throw conflict(subjectOf(resource, name), MODIFIED);
}

/** Named by kind, not by resource, in the real server's text too. */
function checkPreconditions(resource: Resource, existing: JsonObject, preconditions: JsonObject): void {
  const metadata = objectAt(existing, "metadata");
  const subject = { group: resource.group, kind: resource.kind, name: textAt(metadata, "name") };
  const [uid, version] = [textAt(preconditions, "uid"), textAt(preconditions, "resourceVersion")];
  if (uid !== "" && uid !== textAt(metadata, "uid")) {
    const why = `the UID in the precondition (${uid}) does not match the UID in record (${textAt(metadata, "uid")}). The object might have been deleted and then recreated`;
    throw conflict(subject, why);
  }
  if (version !== "" && version !== versionOf(existing)) {
    const why = `the ResourceVersion in the precondition (${version}) does not match the ResourceVersion in record (${versionOf(existing)}). The object might have been modified`;
    throw conflict(subject, why);
  }
}

function keyOf(request: ApiRequest): string {
  return request.resource.namespaced ? request.namespace : "";
}

export function listOf(resource: Resource, items: readonly JsonObject[], version: number): JsonObject {
  return {
    kind: `${resource.kind}List`,
    apiVersion: apiVersionOf(resource),
    metadata: { resourceVersion: String(version) },
    // A list says kind and apiVersion once, for all.
    items: items.map((item) => without(item, "kind", "apiVersion")),
  };
}

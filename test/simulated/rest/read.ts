/** GET of one and of many. `limit` is ignored: the first page has everything. */
import type { JsonObject } from "../objects/json.ts";
import { subjectOf } from "../objects/resource.ts";
import { notFound } from "../objects/status.ts";
import { selectorOf } from "../storage/selector.ts";
import type { Api, ApiAnswer, ApiRequest } from "./api.ts";
import { listOf } from "./delete.ts";
import { tableOf } from "./table.ts";
import type { Representation } from "../http/accept.ts";

/** @throws StatusError 404 */
export function read(api: Api, request: ApiRequest, as: Representation): ApiAnswer {
  const { resource, namespace, name } = request;
  const object = api.store.get(resource, resource.namespaced ? namespace : "", name);
  if (object === undefined) throw notFound(subjectOf(resource, name));
  return { code: 200, body: as === "table" ? table(api, request, [object]) : object };
}

/** @throws StatusError 400 for a selector the resource does not have. */
export function list(api: Api, request: ApiRequest, as: Representation): ApiAnswer {
  const { resource, namespace, query } = request;
  const items = api.store
    .list(resource, resource.namespaced ? namespace : "")
    .filter(selectorOf(resource, query));
  const body = as === "table" ? table(api, request, items) : listOf(resource, items, api.store.version());
  return { code: 200, body };
}

export function table(api: Api, request: ApiRequest, items: readonly JsonObject[]): JsonObject {
  const include = request.query.get("includeObject") ?? "Metadata";
  return tableOf(request.resource, items, { now: api.now(), include, version: api.store.version() });
}

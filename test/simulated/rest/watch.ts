/** WATCH: past changes since a resourceVersion, then changes as they come, one JSON object a line. */
import { isTrue } from "../http/request-info.ts";
import type { Representation } from "../http/accept.ts";
import type { JsonObject } from "../objects/json.ts";
import { objectAt, textAt } from "../objects/json.ts";
import { apiVersionOf } from "../objects/resource.ts";
import { badRequest, expired } from "../objects/status.ts";
import { selectorOf } from "../storage/selector.ts";
import type { Change } from "../storage/store.ts";
import type { Api, ApiRequest } from "./api.ts";
import { table } from "./read.ts";

type Send = (event: { type: string; object: JsonObject }) => void;

/**
 * Sends what is due now and then every change until `stop` is called. Without resourceVersion (or with 0) it
 * begins with everything there is, as ADDED; with one that is older than the history it sends 410 and ends.
 * @throws StatusError 400 for a wrong selector or version.
 */
export function watch(
  api: Api,
  request: ApiRequest,
  as: Representation,
  send: Send,
): { readonly stop: () => void } {
  const { resource, namespace, name, query } = request;
  const selected = selectorOf(resource, query);
  const matches = (object: JsonObject | undefined): object is JsonObject =>
    object !== undefined &&
    selected(object) &&
    (!resource.namespaced ||
      namespace === "" ||
      textAt(objectAt(object, "metadata"), "namespace") === namespace) &&
    (name === "" || textAt(objectAt(object, "metadata"), "name") === name);
  const emit = (type: string, object: JsonObject): void =>
    send({ type, object: as === "table" ? table(api, request, [object]) : object });

  /** An object that enters or leaves the selection is ADDED or DELETED for this watcher, whatever happened to it. */
  const forward = (change: Change): void => {
    if (change.resource !== resource) return;
    const { before, after } = change;
    if (matches(after)) emit(matches(before) ? "MODIFIED" : "ADDED", after);
    else if (matches(before)) emit("DELETED", gone(before, change));
  };

  const from = query.get("resourceVersion") ?? "";
  if (!/^\d*$/.test(from)) throw badRequest(`resourceVersion: invalid value ${JSON.stringify(from)}`);
  const wantsAll = isTrue(query.get("sendInitialEvents"));
  if (from === "" || from === "0" || wantsAll) {
    for (const object of api.store.list(resource, "")) if (matches(object)) emit("ADDED", object);
    if (wantsAll && isTrue(query.get("allowWatchBookmarks"))) {
      send({ type: "BOOKMARK", object: initialEventsEnd(request, api.store.version()) });
    }
  } else {
    const past = api.store.since(Number(from));
    if (past === undefined) {
      send({ type: "ERROR", object: expired(`too old resource version: ${from}`).status });
      return { stop: () => undefined };
    }
    for (const change of past) forward(change);
  }
  return { stop: api.store.subscribe(forward) };
}

/** A deleted object carries the version of its deletion, so that a client can watch on from there. */
function gone(before: JsonObject, change: Change): JsonObject {
  const metadata = { ...objectAt(before, "metadata"), resourceVersion: String(change.version) };
  return { ...before, metadata };
}

/** Tells a client of KEP-3157 (watch-list) that the list is complete. */
function initialEventsEnd({ resource }: ApiRequest, version: number): JsonObject {
  return {
    kind: resource.kind,
    apiVersion: apiVersionOf(resource),
    metadata: { resourceVersion: String(version), annotations: { "k8s.io/initial-events-end": "true" } },
  };
}

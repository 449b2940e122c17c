/**
 * The objects and their recent history, in memory. Objects are values: what is stored is never changed in place,
 * so readers need no copies. One counter gives every change its resourceVersion, as etcd's revision does.
 */
import { objectAt, textAt } from "../objects/json.ts";
import type { JsonObject } from "../objects/json.ts";
import type { Resource } from "../objects/resource.ts";

export interface Change {
  readonly version: number;
  readonly resource: Resource;
  /** undefined: the object is new. */
  readonly before: JsonObject | undefined;
  /** undefined: the object is gone. */
  readonly after: JsonObject | undefined;
}

export interface Store {
  /** The newest resourceVersion given to anything. */
  version(): number;
  get(resource: Resource, namespace: string, name: string): JsonObject | undefined;
  /** In the order of namespace and name; "" is all namespaces. */
  list(resource: Resource, namespace: string): readonly JsonObject[];
  /** Writes or replaces; returns the object with its new resourceVersion. */
  put(resource: Resource, object: JsonObject): JsonObject;
  /** Returns the last state, with the resourceVersion of the removal. */
  remove(resource: Resource, object: JsonObject): JsonObject;
  /** Changes after `version`, oldest first; undefined if the history does not reach back that far. */
  since(version: number): readonly Change[] | undefined;
  /** Called after every change, until the returned function is called. */
  subscribe(listener: (change: Change) => void): () => void;
}

const HISTORY_LENGTH = 2_000;

export function memoryStore(): Store {
  const tables = new Map<Resource, Map<string, JsonObject>>();
  const listeners = new Set<(change: Change) => void>();
  let history: Change[] = [];
  let version = 1;
  /** The version before the oldest change that is still known. */
  let horizon = 0;

  const tableOf = (resource: Resource): Map<string, JsonObject> => {
    const table = tables.get(resource) ?? new Map<string, JsonObject>();
    tables.set(resource, table);
    return table;
  };

  function record(change: Change): void {
    history.push(change);
    if (history.length > 2 * HISTORY_LENGTH) {
      horizon = history.at(-HISTORY_LENGTH - 1)?.version ?? horizon;
      history = history.slice(-HISTORY_LENGTH);
    }
    for (const listener of listeners) listener(change);
  }

  return {
    version: () => version,
    get: (resource, namespace, name) => tableOf(resource).get(`${namespace}/${name}`),
    list: (resource, namespace) =>
      [...tableOf(resource)]
        .filter(([key]) => namespace === "" || key.startsWith(`${namespace}/`))
        .toSorted(([left], [right]) => (left < right ? -1 : 1))
        .map(([, object]) => object),
    put: (resource, object) => {
      version += 1;
      const table = tableOf(resource);
      const after = withVersion(object, version);
      const before = table.get(keyOf(after));
      table.set(keyOf(after), after);
      record({ version, resource, before, after });
      return after;
    },
    remove: (resource, object) => {
      version += 1;
      const before = withVersion(object, version);
      tableOf(resource).delete(keyOf(object));
      record({ version, resource, before, after: undefined });
      return before;
    },
    since: (from) => (from < horizon ? undefined : history.filter((change) => change.version > from)),
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function keyOf(object: JsonObject): string {
  const metadata = objectAt(object, "metadata");
  return `${textAt(metadata, "namespace")}/${textAt(metadata, "name")}`;
}

function withVersion(object: JsonObject, version: number): JsonObject {
  return { ...object, metadata: { ...objectAt(object, "metadata"), resourceVersion: String(version) } };
}

export function versionOf(object: JsonObject): string {
  return textAt(objectAt(object, "metadata"), "resourceVersion");
}

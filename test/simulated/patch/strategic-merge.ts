/**
 * Strategic merge patch: a merge patch in which some lists join by a key. The directives are those of
 * https://kubernetes.io/docs/reference/using-api/api-concepts (sig-api-machinery/strategic-merge-patch.md).
 */
import { isObject, listAt, own, without } from "../objects/json.ts";
import type { Json, JsonObject } from "../objects/json.ts";
import type { ListSchema, Schema } from "../objects/schema.ts";
import { plainError } from "../objects/status.ts";

const PATCH = "$patch";
const RETAIN_KEYS = "$retainKeys";
const SET_ORDER = "$setElementOrder/";
const DELETE_FROM = "$deleteFromPrimitiveList/";

/** @throws StatusError 500 for a directive or list item that makes no sense. */
export function strategicMerge(target: JsonObject, patch: JsonObject, schema: Schema): JsonObject {
  const directive = own(patch, PATCH);
  if (directive === "replace") return cleanObject(without(patch, PATCH));
  if (directive === "delete") return {};
  if (directive !== undefined && directive !== "merge") {
    throw plainError(`unknown patch type: ${JSON.stringify(directive)}`);
  }
  const retained = own(patch, RETAIN_KEYS);
  const merged = new Map(
    Object.entries(target).filter(([key]) => !Array.isArray(retained) || retained.includes(key)),
  );
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith(DELETE_FROM)) {
      const name = key.slice(DELETE_FROM.length);
      const gone = listAt(patch, key);
      merged.set(
        name,
        listOf(merged.get(name)).filter((item) => !gone.includes(item)),
      );
    } else if (!isDirective(key)) {
      const next = mergeValue(merged.get(key), value, fieldOf(schema, key));
      if (next === undefined) merged.delete(key);
      else merged.set(key, next);
    }
  }
  for (const key of Object.keys(patch).filter((key) => key.startsWith(SET_ORDER))) {
    const name = key.slice(SET_ORDER.length);
    const field = fieldOf(schema, name);
    const list = merged.get(name);
    if (Array.isArray(list) && field?.type === "list")
      merged.set(name, ordered(list, listAt(patch, key), field));
  }
  return Object.fromEntries(merged);
}

function mergeValue(target: Json | undefined, patch: Json, schema: Schema | undefined): Json | undefined {
  if (patch === null) return undefined;
  const below: Schema = schema ?? { type: "any" };
  if (isObject(patch)) {
    // `$patch: delete` in a map that is a value takes the whole value away.
    if (own(patch, PATCH) === "delete") return undefined;
    return strategicMerge(isObject(target) ? target : {}, patch, below);
  }
  if (Array.isArray(patch) && below.type === "list") return mergeList(listOf(target), patch, below);
  return clean(patch);
}

function mergeList(target: readonly Json[], patch: readonly Json[], schema: ListSchema): Json[] {
  const { merge } = schema;
  if (merge === undefined) return patch.map(clean);
  if (merge === "set") return [...new Set([...target, ...patch])];
  if (patch.some((item) => isObject(item) && own(item, PATCH) === "replace")) {
    return patch.filter((item) => !(isObject(item) && own(item, PATCH) === "replace")).map(clean);
  }
  const result = [...target];
  for (const item of patch) {
    const id = isObject(item) ? own(item, merge.key) : undefined;
    if (!isObject(item) || id === undefined) {
      throw plainError(`map: ${JSON.stringify(item)} does not contain declared merge key: ${merge.key}`);
    }
    const index = result.findIndex((other) => isObject(other) && own(other, merge.key) === id);
    const current = result[index];
    if (own(item, PATCH) === "delete") {
      if (index >= 0) result.splice(index, 1);
    } else if (index >= 0) {
      result[index] = strategicMerge(isObject(current) ? current : {}, item, schema.items);
    } else result.push(clean(item));
  }
  return result;
}

/** Items that the order names stand in that order; the others keep their place after what they followed. */
function ordered(list: readonly Json[], order: readonly Json[], schema: ListSchema): Json[] {
  const { merge } = schema;
  if (merge === undefined) return [...list];
  const idOf = (item: Json): Json | undefined =>
    merge !== "set" && isObject(item) ? own(item, merge.key) : item;
  const rank = new Map(order.map((item, index) => [idOf(item), index]));
  const named = list.filter((item) => rank.has(idOf(item)));
  named.sort((left, right) => (rank.get(idOf(left)) ?? 0) - (rank.get(idOf(right)) ?? 0));
  let next = 0;
  return list.map((item) => (rank.has(idOf(item)) ? (named[next++] ?? item) : item));
}

function fieldOf(schema: Schema, key: string): Schema | undefined {
  if (schema.type === "map") return schema.values;
  return schema.type === "object" && Object.hasOwn(schema.fields, key) ? schema.fields[key] : undefined;
}

/** A new value from the patch, without directives in it and without the nulls that had nothing to delete. */
function clean(value: Json): Json {
  if (Array.isArray(value)) return value.map(clean);
  return isObject(value) ? cleanObject(value) : value;
}

function cleanObject(value: JsonObject): JsonObject {
  const kept = Object.entries(value).filter(([key, item]) => item !== null && !isDirective(key));
  return Object.fromEntries(kept.map(([key, item]) => [key, clean(item)]));
}

function isDirective(key: string): boolean {
  return key === PATCH || key === RETAIN_KEYS || key.startsWith(SET_ORDER) || key.startsWith(DELETE_FROM);
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

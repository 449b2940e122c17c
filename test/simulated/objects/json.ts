/** JSON as the API carries it, and the few ways to look into it without trusting its shape. */

export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

/** @throws SyntaxError as JSON.parse does. */
export function parseJson(text: string): Json {
  const parsed: unknown = JSON.parse(text);
  if (!isJson(parsed)) throw new SyntaxError("not JSON");
  return parsed;
}

/** For values that libraries hand back as `unknown` or `any` although they were made from JSON. */
export function isJson(value: unknown): value is Json {
  return value === null || ["boolean", "number", "string", "object"].includes(typeof value);
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The object at a path of keys; an empty one if anything on the way is missing or of another kind. */
export function objectAt(value: Json | undefined, ...path: readonly string[]): JsonObject {
  let at = value;
  for (const key of path) at = isObject(at) ? own(at, key) : undefined;
  return isObject(at) ? at : {};
}

/** The string under `key`, or "". */
export function textAt(value: JsonObject, key: string): string {
  const found = own(value, key);
  return typeof found === "string" ? found : "";
}

export function listAt(value: JsonObject, key: string): readonly Json[] {
  const found = own(value, key);
  return Array.isArray(found) ? found : [];
}

/** The strings of a list; other items are left out. */
export function textsAt(value: JsonObject, key: string): readonly string[] {
  return listAt(value, key).filter((item) => typeof item === "string");
}

/** The entries of a map of texts, e.g. labels; other values are left out. */
export function textEntries(value: JsonObject): [string, string][] {
  return Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string");
}

/** Own properties only: a label called `constructor` must not be found on every object. */
export function own(value: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(value, key) ? value[key] : undefined;
}

/** A copy without the given keys. */
export function without(value: JsonObject, ...keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key)));
}

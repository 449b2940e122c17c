/**
 * Guards for JSON that an API server sent. Whatever answers on its address may be a proxy's error page, so nothing
 * is believed before it was looked at.
 */

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `value[key]` if both are what they should be, else undefined. */
export function objectAt(value: unknown, key: string): JsonObject | undefined {
  const found = isObject(value) ? value[key] : undefined;
  return isObject(found) ? found : undefined;
}

export function textAt(value: unknown, key: string): string | undefined {
  const found = isObject(value) ? value[key] : undefined;
  return typeof found === "string" ? found : undefined;
}

/** The string-valued members of `value[key]`, e.g. labels; anything else in it is left out. */
export function textsAt(value: unknown, key: string): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const [name, text] of Object.entries(objectAt(value, key) ?? {})) {
    if (typeof text === "string") texts.set(name, text);
  }
  return texts;
}

/** The objects of the list `value[key]`; anything else in it is left out, and no list holds none. */
export function objectsAt(value: unknown, key: string): readonly JsonObject[] {
  return listAt(value, key).filter(isObject);
}

/** The strings of the list `value[key]`, likewise. */
export function stringsAt(value: unknown, key: string): readonly string[] {
  return listAt(value, key).filter((one) => typeof one === "string");
}

function listAt(value: unknown, key: string): readonly unknown[] {
  const found: unknown = isObject(value) ? value[key] : undefined;
  return Array.isArray(found) ? found : [];
}

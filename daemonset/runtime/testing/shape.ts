/** Looks into what came from outside, for tests. */

/** The value at `path`, undefined where there is none. */
export function valueAt(value: unknown, ...path: readonly string[]): unknown {
  let at = value;
  for (const step of path) {
    if (typeof at !== "object" || at === null) return undefined;
    at = Object.entries(at).find(([key]) => key === step)?.[1];
  }
  return at;
}

/** The text at `path`. @throws Error if there is none. */
export function textAt(value: unknown, ...path: readonly string[]): string {
  const found = valueAt(value, ...path);
  if (typeof found === "string") return found;
  throw new Error(`no text at ${path.join(".")}: ${JSON.stringify(value)}`);
}

export function listAt(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found: unknown = valueAt(value, ...path);
  if (Array.isArray(found)) return found.map((item: unknown) => item);
  throw new Error(`no list at ${path.join(".")}: ${JSON.stringify(value)}`);
}

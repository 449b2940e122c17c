/** Reads fields out of a vitest report, whose shape nobody vouches for. */
export function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null)
    throw new Error(`test report: expected an object with ${name}`);
  return new Map<string, unknown>(Object.entries(value)).get(name);
}

export function listOf(value: unknown, name: string): readonly unknown[] {
  const list = fieldOf(value, name);
  if (!Array.isArray(list)) throw new Error(`test report: ${name}: expected a list`);
  return list.map((each: unknown) => each);
}

export function textOf(value: unknown, name: string): string {
  const text = fieldOf(value, name);
  if (typeof text !== "string") throw new Error(`test report: ${name}: expected text`);
  return text;
}

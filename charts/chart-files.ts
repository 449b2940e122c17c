/** The chart's files, and values in them, for the tests beside. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

export const chartFolder = fileURLToPath(new URL("nodelatch", import.meta.url));

export async function chartFile(path: string): Promise<string> {
  return readFile(`${chartFolder}/${path}`, "utf8");
}

export function isMap(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What is found by following the keys; undefined where one is missing. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  let found = value;
  for (const key of path) found = isMap(found) ? Reflect.get(found, key) : undefined;
  return found;
}

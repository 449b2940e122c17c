/** Takes out of an answer what differs between any two runs, so that the rest can be compared. */
import { createHash } from "node:crypto";
import { isObject } from "../objects/json.ts";
import type { Json } from "../objects/json.ts";

/** Fields whose values are the server's own: only that they are there is compared. */
const MASKED = new Set(["uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "caBundle"]);
/** managedFields are not kept by the simulated server. */
const DROPPED = new Set(["managedFields"]);
/** Large parts of a Node that no step changes: a digest is enough to see that they are whole. */
const DIGESTED = new Set(["capacity", "allocatable", "nodeInfo"]);
const LONG_TEXT = 2_000;

export function normalize(value: Json, key = ""): Json {
  if (Array.isArray(value)) return value.map((item) => normalize(item));
  if (isObject(value)) {
    if (DIGESTED.has(key)) return digestOf(value);
    const entries = Object.entries(value)
      .filter(([name]) => !DROPPED.has(name))
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
      .map(([name, item]): [string, Json] => [name, normalize(item, name)]);
    return Object.fromEntries(entries);
  }
  if (typeof value === "string") return MASKED.has(key) && value !== "" ? `<${key}>` : normalizeText(value);
  return value;
}

export function normalizeText(text: string): string {
  const short = text.length > LONG_TEXT ? `<${text.length} characters>` : text;
  return (
    short
      // Go's guess at why a certificate is not trusted; it names the certificate.
      .replace(/ \(possibly because of .*\)$/, "")
      .replaceAll(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, "<uid>")
      .replaceAll(/127\.0\.0\.1:\d+/g, "<address>")
  );
}

function digestOf(value: Json): string {
  const sorted = JSON.stringify(value, (_, item: unknown) =>
    typeof item === "object" && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).toSorted(([left], [right]) => (left < right ? -1 : 1)))
      : item,
  );
  return `<digest ${createHash("sha256").update(sorted).digest("hex").slice(0, 12)}>`;
}

/** Guards for raw JSON. Each names the field, what is expected and what came. */
import { shorten } from "../lock/shorten.ts";

/** Longest piece of a foreign value that is quoted back in a message. */
const QUOTED_CHARACTERS = 80;

/** Go writes an empty field as null or leaves it out; both are undefined here. */
export function optional(value: unknown): unknown {
  return value ?? undefined;
}

/** @throws TypeError if `value` is not a JSON object. */
export function record(value: unknown, where: string): Record<string, unknown> {
  if (isRecord(value)) return value;
  throw expected(where, "an object", value);
}

/** @throws TypeError if `value` is not a string. */
export function text(value: unknown, where: string): string {
  if (typeof value === "string") return value;
  throw expected(where, "a string", value);
}

/** A string, or `fallback` for null and absent. @throws TypeError for anything else. */
export function textOr(value: unknown, fallback: string, where: string): string {
  return value === undefined || value === null ? fallback : text(value, where);
}

/** A list of strings; null and absent are the empty list. @throws TypeError naming the item that is none. */
export function list(value: unknown, where: string): readonly string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw expected(where, "a list of strings", value);
  return value.map((item: unknown, at) => text(item, `${where}[${at}]`));
}

/** The error for a field that is not as expected; the value is quoted if it is short enough to help. */
export function expected(where: string, what: string, value: unknown): TypeError {
  return new TypeError(`${where}: expected ${what}, got ${shown(value)}`);
}

function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(shorten(value, QUOTED_CHARACTERS));
  if (value === undefined) return "nothing";
  if (value === null || typeof value === "number" || typeof value === "boolean") return String(value);
  return Array.isArray(value) ? "a list" : "an object";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

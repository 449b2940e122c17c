/** The JSON types of a spec's fields. An API server has checked them; a file on disk or a foreign CRD has not. */
import { invalid, type Finding } from "./finding.ts";

export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Null is absent: Go decodes it into the field's zero value. */
export function isAbsent(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

/** The strings of a list with their places; what is no string is found, and left out. */
export function readTexts(
  value: unknown,
  path: string,
): {
  readonly texts: readonly { readonly at: number; readonly text: string }[];
  readonly findings: readonly Finding[];
} {
  if (isAbsent(value)) return { texts: [], findings: [] };
  if (!Array.isArray(value)) return { texts: [], findings: [wrongType(path, value, "a list of strings")] };
  const texts: { at: number; text: string }[] = [];
  const findings: Finding[] = [];
  for (const [at, item] of value.entries()) {
    // Go decodes a null in a list of strings as "", and so do the rules.
    const text: unknown = item ?? "";
    if (typeof text === "string") texts.push({ at, text });
    else findings.push(wrongType(`${path}[${at}]`, text, "a string"));
  }
  return { texts, findings };
}

export function wrongType(path: string, value: unknown, expected: string): Finding {
  return invalid("field-type", path, value, `must be ${expected}`);
}

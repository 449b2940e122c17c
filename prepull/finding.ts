/** One thing that a rule has found in a job: where, what, and what should stand there. */
import { shorten } from "../lock/shorten.ts";
import type { RuleName } from "./rule.ts";

/** The words of apimachinery's field errors, as kubectl's users know them. */
export type Problem =
  "Invalid value" | "Required value" | "Duplicate value" | "Unsupported value" | "Forbidden";

export interface Finding {
  readonly rule: RuleName;
  /** JSON path, e.g. `spec.imagePrePullTemplate.images[0]`. */
  readonly path: string;
  readonly problem: Problem;
  /** The value as JSON, shortened; absent where there is none. */
  readonly shown?: string;
  /** What is wrong, or what is expected; without a full stop. */
  readonly text: string;
}

export const TEMPLATE_PATH = "spec.imagePrePullTemplate";

/** Longest piece of a value that is quoted back. */
const QUOTED_CHARACTERS = 80;

export function invalid(rule: RuleName, path: string, value: unknown, text: string): Finding {
  return { rule, path, problem: "Invalid value", shown: shown(value), text };
}

export function required(rule: RuleName, path: string, text: string): Finding {
  return { rule, path, problem: "Required value", text };
}

export function forbidden(rule: RuleName, path: string, text: string): Finding {
  return { rule, path, problem: "Forbidden", text };
}

/** A value as JSON; total over anything. A number keeps its sign of zero, as Go tells 0 and -0 apart. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(shorten(value, QUOTED_CHARACTERS));
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  if (typeof value === "bigint" || typeof value === "boolean") return String(value);
  if (value === null || value === undefined) return "null";
  return Array.isArray(value) ? "a list" : "an object";
}

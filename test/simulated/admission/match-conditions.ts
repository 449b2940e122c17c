/**
 * matchConditions, evaluated with a CEL library. Two gaps to the real server, both found at registration or on
 * the first evaluation rather than passed over: `authorizer` and the Kubernetes-only CEL functions are unknown
 * here, and there is no cost budget.
 */
import { isDeepStrictEqual } from "node:util";
import { Environment, EvaluationError } from "@marcbachmann/cel-js";
import type { Optional } from "@marcbachmann/cel-js";
import { isObject } from "../objects/json.ts";
import type { Json, JsonObject } from "../objects/json.ts";

/** What an expression sees. Integers are bigint, so that `x + 1` works as in CEL, where JSON integers are int. */
export type Activation = Readonly<Record<"object" | "oldObject" | "request", CelValue>>;
type CelValue = null | boolean | number | bigint | string | CelValue[] | { [key: string]: CelValue };

export interface Condition {
  readonly name: string;
  readonly expression: string;
}

type Compiled =
  | { readonly kind: "ok"; readonly evaluate: (activation: Activation) => unknown }
  | { readonly kind: "bad"; readonly why: string };

export type MatchResult =
  | { readonly kind: "matches" }
  | { readonly kind: "excluded"; readonly condition: string }
  | { readonly kind: "error"; readonly why: string };

const environment = new Environment({ enableOptionalTypes: true, homogeneousAggregateLiterals: false })
  .registerVariable("object", "dyn")
  .registerVariable("oldObject", "dyn")
  .registerVariable("request", "dyn")
  // CEL compares optionals: both empty, or both full with equal values. The library leaves this pair out.
  .registerOperator("optional == optional", optionalsEqual);

function optionalsEqual(left: Optional, right: Optional): boolean {
  if (!left.hasValue() || !right.hasValue()) return left.hasValue() === right.hasValue();
  return isDeepStrictEqual(left.value(), right.value());
}

export function activation(
  request: JsonObject,
  object: JsonObject | null,
  oldObject: JsonObject | null,
): Activation {
  return { request: toCel(request), object: toCel(object), oldObject: toCel(oldObject) };
}

function toCel(value: Json): CelValue {
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(toCel);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toCel(item)]));
}

/** Parses and type-checks; must yield a bool, as the real server demands when the configuration is written. */
export function compileCondition(expression: string): Compiled {
  try {
    const parsed = environment.parse(expression);
    const checked = parsed.check();
    if (!checked.valid) return { kind: "bad", why: `compilation failed: ${firstLine(checked.error)}` };
    if (checked.type !== "bool")
      return { kind: "bad", why: `must evaluate to bool but got ${checked.type ?? "nothing"}` };
    return { kind: "ok", evaluate: (values): unknown => parsed(values) };
  } catch (error) {
    return { kind: "bad", why: `compilation failed: ${firstLine(error)}` };
  }
}

/** Any false condition excludes, even beside one that fails; else any failure is an error (KEP-3716). */
export function matchConditions(conditions: readonly Condition[], values: Activation): MatchResult {
  const errors = new Set<string>();
  for (const { name, expression } of conditions) {
    const outcome = evaluate(expression, values);
    if (outcome === false) return { kind: "excluded", condition: name };
    if (outcome !== true) errors.add(`expression '${expression}' resulted in error: ${outcome.why}`);
  }
  if (errors.size === 0) return { kind: "matches" };
  const list = [...errors].join(", ");
  return { kind: "error", why: errors.size === 1 ? list : `[${list}]` };
}

function evaluate(expression: string, values: Activation): boolean | { readonly why: string } {
  const compiled = compileCondition(expression);
  if (compiled.kind === "bad") return { why: compiled.why };
  try {
    const result = compiled.evaluate(values);
    return typeof result === "boolean" ? result : { why: "must evaluate to bool" };
  } catch (error) {
    // The library says "No such key: x" where cel-go, and so the real message, says "no such key: x".
    const why = error instanceof EvaluationError ? error.summary : firstLine(error);
    return { why: why.charAt(0).toLowerCase() + why.slice(1) };
  }
}

function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split("\n", 1).join("");
}

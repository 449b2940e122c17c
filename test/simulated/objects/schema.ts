/**
 * What an API type looks like, and decoding against it as the real server's typed decoder does: wrong types are
 * refused, unknown fields fall away, null and Go's zero values of `omitempty` fields vanish. The last one matters
 * to admission: `unschedulable: false` in a PUT reaches no webhook, because it is not there any more.
 * The same descriptions serve strategic merge (which lists merge, by which key) and the OpenAPI documents.
 */
import { isObject, own } from "./json.ts";
import type { Json, JsonObject } from "./json.ts";

/** How Go would treat the field: drop zero values, always write it, or keep whatever is not null. */
type Presence = "omitempty" | "always" | "pointer";

interface Field {
  readonly presence?: Presence;
}
export interface ScalarSchema extends Field {
  /**
   * `quantity` takes a number too and stores text; `bytes` is base64; `time` is null when absent but always
   * written (metav1.Time without omitzero).
   */
  readonly type: "string" | "boolean" | "integer" | "quantity" | "bytes" | "time";
}
export interface MapSchema extends Field {
  readonly type: "map";
  readonly values: Schema;
}
export interface ListSchema extends Field {
  readonly type: "list";
  readonly items: Schema;
  /** Strategic merge joins the lists: by this key of the items, or as a set of plain values. Absent: replaces. */
  readonly merge?: { readonly key: string } | "set";
}
export interface ObjectSchema extends Field {
  readonly type: "object";
  readonly fields: Readonly<Record<string, Schema>>;
}
/** Kept as it comes. */
export interface AnySchema extends Field {
  readonly type: "any";
}
export type Schema = ScalarSchema | MapSchema | ListSchema | ObjectSchema | AnySchema;

export const text: ScalarSchema = { type: "string" };
export const requiredText: ScalarSchema = { type: "string", presence: "always" };
export const time: ScalarSchema = { type: "time", presence: "always" };
export const optionalText: ScalarSchema = { type: "string", presence: "pointer" };
export const flag: ScalarSchema = { type: "boolean" };
export const optionalFlag: ScalarSchema = { type: "boolean", presence: "pointer" };
export const integer: ScalarSchema = { type: "integer" };
export const optionalInteger: ScalarSchema = { type: "integer", presence: "pointer" };
export const texts: ListSchema = { type: "list", items: requiredText };
export const textMap: MapSchema = { type: "map", values: requiredText };
export const anything: AnySchema = { type: "any" };

/** A value of the wrong type. The caller knows whether that is a 400 (PUT, POST) or a 422 (PATCH). */
export class DecodeError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "DecodeError";
  }
}

export interface Decoded {
  readonly object: JsonObject;
  /** Paths of fields that the type does not have. */
  readonly unknown: readonly string[];
}

/** @throws DecodeError in the words of Go's decoder. */
export function decode(schema: ObjectSchema, kind: string, raw: JsonObject): Decoded {
  const unknown: string[] = [];
  const object = decodeObject(schema, raw, [], { kind, unknown });
  return { object, unknown };
}

interface Pass {
  readonly kind: string;
  readonly unknown: string[];
}

function decodeObject(
  schema: ObjectSchema,
  raw: JsonObject,
  path: readonly string[],
  pass: Pass,
): JsonObject {
  for (const key of Object.keys(raw)) {
    if (!Object.hasOwn(schema.fields, key)) pass.unknown.push([...path, key].join("."));
  }
  const fields = Object.entries(schema.fields).flatMap(([key, field]): [string, Json][] => {
    const value = decodeValue(field, own(raw, key) ?? null, [...path, key], pass);
    return value === undefined ? [] : [[key, value]];
  });
  return Object.fromEntries(fields);
}

function decodeValue(schema: Schema, raw: Json, path: readonly string[], pass: Pass): Json | undefined {
  if (raw === null) return schema.presence === "always" ? zeroOf(schema, path, pass) : undefined;
  const value = decodePresent(schema, raw, path, pass);
  return (schema.presence ?? "omitempty") === "omitempty" && isZero(schema, value) ? undefined : value;
}

function zeroOf(schema: Schema, path: readonly string[], pass: Pass): Json {
  if (schema.type === "object") return decodeObject(schema, {}, path, pass);
  if (schema.type === "boolean") return false;
  if (schema.type === "time") return null;
  return schema.type === "integer" ? 0 : "";
}

function isZero(schema: Schema, value: Json): boolean {
  if (schema.type === "list") return Array.isArray(value) && value.length === 0;
  if (schema.type === "map") return isObject(value) && Object.keys(value).length === 0;
  return schema.type !== "any" && (value === "" || value === 0 || value === false);
}

function decodePresent(schema: Schema, raw: Json, path: readonly string[], pass: Pass): Json {
  if (schema.type === "any") return raw;
  if (schema.type === "object") {
    return decodeObject(schema, isObject(raw) ? raw : wrong(raw, schema, path, pass), path, pass);
  }
  if (schema.type === "map") {
    const map = isObject(raw) ? raw : wrong(raw, schema, path, pass);
    const entries = Object.entries(map).map(([key, value]): [string, Json] => [
      key,
      decodePresentOrZero(schema.values, value, path, pass),
    ]);
    return Object.fromEntries(entries);
  }
  if (schema.type === "list") {
    const list = Array.isArray(raw) ? raw : wrong(raw, schema, path, pass);
    return list.map((item, index) => decodePresentOrZero(schema.items, item, indexed(path, index), pass));
  }
  return decodeScalar(schema, raw, path, pass);
}

/** Inside maps and lists null becomes the zero value: `annotations: {k: null}` is `k: ""`, as Go reads it. */
function decodePresentOrZero(schema: Schema, raw: Json, path: readonly string[], pass: Pass): Json {
  return raw === null ? zeroOf(schema, path, pass) : decodePresent(schema, raw, path, pass);
}

function decodeScalar(schema: ScalarSchema, raw: Json, path: readonly string[], pass: Pass): Json {
  switch (schema.type) {
    case "string":
    case "time":
      return typeof raw === "string" ? raw : wrong(raw, schema, path, pass);
    case "boolean":
      return typeof raw === "boolean" ? raw : wrong(raw, schema, path, pass);
    case "integer":
      return typeof raw === "number" && Number.isInteger(raw) ? raw : wrong(raw, schema, path, pass);
    case "quantity":
      return typeof raw === "string" || typeof raw === "number"
        ? String(raw)
        : wrong(raw, schema, path, pass);
    case "bytes": {
      if (typeof raw !== "string") return wrong(raw, schema, path, pass);
      if (Buffer.from(raw, "base64").toString("base64") !== raw.replaceAll(/[\r\n]/g, "")) {
        throw new DecodeError(`illegal base64 data in ${pass.kind}.${path.join(".")}`);
      }
      return raw;
    }
    default:
      return schema.type satisfies never;
  }
}

function wrong(raw: Json, schema: Schema, path: readonly string[], pass: Pass): never {
  const found = Array.isArray(raw) ? "array" : raw === null ? "null" : typeof raw;
  const got = found === "boolean" ? "bool" : found;
  const field = `${structName(path, pass.kind)}.${path.join(".")}`;
  throw new DecodeError(
    `json: cannot unmarshal ${got} into Go struct field ${field} of type ${goType(schema)}`,
  );
}

/** The Go type that has the field; known for the first two levels only. */
function structName(path: readonly string[], kind: string): string {
  const [first = ""] = path;
  if (first === "metadata") return "ObjectMeta";
  return ["spec", "status"].includes(first) && path.length === 2
    ? `${kind}${first.charAt(0).toUpperCase()}${first.slice(1)}`
    : kind;
}

function goType(schema: Schema): string {
  if (schema.type === "map") return `map[string]${goType(schema.values)}`;
  if (schema.type === "list") return `[]${goType(schema.items)}`;
  const names: Readonly<Record<string, string>> = { boolean: "bool", integer: "int64", bytes: "[]uint8" };
  return names[schema.type] ?? schema.type;
}

function indexed(path: readonly string[], index: number): string[] {
  return [...path.slice(0, -1), `${path.at(-1) ?? ""}[${index}]`];
}

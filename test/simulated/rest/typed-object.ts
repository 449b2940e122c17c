/** From JSON to an object of a resource: decoded, defaulted, unknown fields dealt with as the client asked. */
import { isObject, objectAt, own, textAt, without } from "../objects/json.ts";
import type { Json, JsonObject } from "../objects/json.ts";
import { withDefaults } from "../objects/object-rules.ts";
import { apiVersionOf } from "../objects/resource.ts";
import type { Resource } from "../objects/resource.ts";
import { decode, DecodeError } from "../objects/schema.ts";
import { badRequest, invalid, invalidValue } from "../objects/status.ts";
import type { Notes } from "../admission/attributes.ts";

interface Typed {
  readonly object: JsonObject;
  readonly unknown: readonly string[];
}

/** managedFields are dropped: nobody here keeps them true. @throws DecodeError */
export function typed(resource: Resource, raw: JsonObject): Typed {
  const framed = { ...raw, kind: resource.kind, apiVersion: apiVersionOf(resource) };
  const { object, unknown } = decode(resource.schema, resource.kind, framed);
  const metadata = without(objectAt(object, "metadata"), "managedFields");
  return { object: withDefaults(resource, { ...object, metadata }), unknown };
}

/** The body of POST or PUT. @throws StatusError 400 */
export function fromBody(
  resource: Resource,
  body: Json | undefined,
  validation: string,
  notes: Notes,
): JsonObject {
  if (!isObject(body)) throw badRequest("body: expected a JSON object");
  const [kind, apiVersion] = [textAt(body, "kind"), textAt(body, "apiVersion")];
  const expected = apiVersionOf(resource);
  if (apiVersion !== "" && apiVersion !== expected) {
    const why = `the API version in the data (${apiVersion}) does not match the expected API version (${expected})`;
    throw badRequest(why);
  }
  const cannot = `${kind || resource.kind} in version ${JSON.stringify(resource.version)} cannot be handled as a ${resource.kind}`;
  if (kind !== "" && kind !== resource.kind)
    throw badRequest(`${cannot}: no kind ${JSON.stringify(kind)} is registered here`);
  try {
    const result = typed(resource, body);
    const strict = unknownFields(result, validation, notes);
    if (strict !== undefined) throw badRequest(`${cannot}: ${strict}`);
    return result.object;
  } catch (error) {
    if (error instanceof DecodeError) throw badRequest(`${cannot}: ${error.message}`, error);
    throw error;
  }
}

/** What a PATCH made of an object. @throws StatusError 422 */
export function fromPatch(resource: Resource, raw: JsonObject, validation: string, notes: Notes): JsonObject {
  const refuse = (why: string): Error =>
    invalid({ group: "", kind: "", name: "" }, [invalidValue("patch", JSON.stringify(raw), why)]);
  if ((own(raw, "kind") ?? resource.kind) !== resource.kind) throw refuse("kind cannot be changed");
  try {
    const result = typed(resource, raw);
    const strict = unknownFields(result, validation, notes);
    if (strict !== undefined) throw refuse(strict);
    return result.object;
  } catch (error) {
    if (error instanceof DecodeError) throw refuse(error.message);
    throw error;
  }
}

/** The text of a strict refusal, if there is to be one. */
function unknownFields({ unknown }: Typed, validation: string, notes: Notes): string | undefined {
  const texts = unknown.map((field) => `unknown field ${JSON.stringify(field)}`);
  if (validation === "Strict" && texts.length > 0) return `strict decoding error: ${texts.join(", ")}`;
  if (validation === "Warn") notes.warnings.push(...texts);
  return undefined;
}

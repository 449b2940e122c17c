/** RFC 6902 by fast-json-patch, with the API server's limits and answers. */
import jsonpatch from "fast-json-patch";
import type { Operation } from "fast-json-patch";
import { isJson, isObject, own, textAt } from "../objects/json.ts";
import type { Json, JsonObject } from "../objects/json.ts";
import { badRequest, StatusError } from "../objects/status.ts";

const MAX_OPERATIONS = 10_000;

/** @throws StatusError 400 for what is no patch, 413 for a too long one. */
export function jsonPatchOperations(patch: Json): readonly Operation[] {
  if (!Array.isArray(patch)) {
    throw badRequest(
      "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp",
    );
  }
  if (patch.length > MAX_OPERATIONS) {
    const message = `Request entity too large: The allowed maximum operations in a JSON patch is ${MAX_OPERATIONS}, got ${patch.length}`;
    throw new StatusError({ code: 413, reason: "RequestEntityTooLarge", message });
  }
  return patch.map((item) => {
    if (!isOperation(item))
      throw badRequest(`error decoding patch: not an operation: ${JSON.stringify(item)}`);
    return item;
  });
}

function isOperation(item: unknown): item is Operation {
  if (!isJson(item) || !isObject(item) || typeof own(item, "path") !== "string") return false;
  switch (textAt(item, "op")) {
    case "remove":
      return true;
    case "add":
    case "replace":
    case "test":
      return Object.hasOwn(item, "value");
    case "move":
    case "copy":
      return typeof own(item, "from") === "string";
    default:
      return false;
  }
}

/** @throws StatusError 422 if an operation fails, a `test` included. */
export function applyJsonPatch(document: JsonObject, operations: readonly Operation[]): JsonObject {
  try {
    const patched: unknown = jsonpatch.applyPatch<unknown>(
      document,
      structuredClone(operations),
      true,
      false,
    ).newDocument;
    if (isJson(patched) && isObject(patched)) return patched;
    throw new TypeError("the patch leaves no object");
  } catch (error) {
    // The real server says no more than this either.
    const message = "the server rejected our request due to an error in our request";
    throw new StatusError({ code: 422, reason: "Invalid", message, details: {} }, { cause: error });
  }
}

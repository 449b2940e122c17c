/** The three patch types, by content type. */
import { isObject } from "../objects/json.ts";
import type { Json, JsonObject } from "../objects/json.ts";
import type { Resource } from "../objects/resource.ts";
import { badRequest, unsupportedMediaType } from "../objects/status.ts";
import { applyJsonPatch, jsonPatchOperations } from "./json-patch.ts";
import { mergePatch } from "./merge-patch.ts";
import { strategicMerge } from "./strategic-merge.ts";

const JSON_PATCH = "application/json-patch+json";
const MERGE_PATCH = "application/merge-patch+json";
const STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json";

/** Checked before anything else of the request is looked at. @throws StatusError 415, server-side apply included. */
export function checkPatchType(contentType: string, resource: Resource): void {
  const accepted = [JSON_PATCH, MERGE_PATCH, ...(resource.strategicMerge ? [STRATEGIC_MERGE_PATCH] : [])];
  if (!accepted.includes(contentType)) throw unsupportedMediaType(accepted);
}

/** @throws StatusError 400, 413 or 422, as the real server for each type. */
export function patched(contentType: string, resource: Resource, target: JsonObject, body: Json): JsonObject {
  if (contentType === JSON_PATCH) return applyJsonPatch(target, jsonPatchOperations(body));
  if (!isObject(body)) {
    throw badRequest(
      "error decoding patch: json: cannot unmarshal into Go value of type map[string]interface {}",
    );
  }
  return contentType === MERGE_PATCH
    ? mergePatch(target, body)
    : strategicMerge(target, body, resource.schema);
}

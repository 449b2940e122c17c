/** Reads the AdmissionReview that a webhook sent back, as strictly as the real server. */
import type { Operation as JsonPatchOperation } from "fast-json-patch";
import { isObject, objectAt, own, parseJson, textAt, textEntries, textsAt } from "../objects/json.ts";
import type { Json, JsonObject } from "../objects/json.ts";
import { jsonPatchOperations } from "../patch/json-patch.ts";

export interface Answer {
  readonly allowed: boolean;
  readonly warnings: readonly string[];
  readonly audit: Readonly<Record<string, string>>;
  readonly patch: readonly JsonPatchOperation[];
  /** `response.status` of a refusal. */
  readonly result: JsonObject;
}

/** Why an answer is no answer: counts as a failed call, so failurePolicy decides. */
export class InvalidAnswer extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "InvalidAnswer";
  }
}

const ACCEPTED = "admission.k8s.io/v1, Kind=AdmissionReview";

/** @throws InvalidAnswer */
export function parseAnswer(body: Json, uid: string, mutating: boolean): Answer {
  const review = objectAt(body);
  const response = own(review, "response");
  if (!isObject(response)) throw new InvalidAnswer("webhook response was absent");
  if (textAt(response, "uid") !== uid) {
    throw new InvalidAnswer(
      `expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(textAt(response, "uid"))}`,
    );
  }
  const kind = `${textAt(review, "apiVersion")}, Kind=${textAt(review, "kind")}`;
  if (kind !== ACCEPTED) throw new InvalidAnswer(`expected webhook response of ${ACCEPTED}, got ${kind}`);
  return {
    allowed: own(response, "allowed") === true,
    warnings: textsAt(response, "warnings"),
    audit: Object.fromEntries(textEntries(objectAt(response, "auditAnnotations"))),
    patch: parsePatch(response, mutating),
    result: objectAt(response, "status"),
  };
}

function parsePatch(response: JsonObject, mutating: boolean): readonly JsonPatchOperation[] {
  const patch = textAt(response, "patch");
  const type = own(response, "patchType") ?? null;
  if (!mutating) {
    if (patch !== "") throw new InvalidAnswer("validating webhook may not return response.patch");
    if (type !== null) throw new InvalidAnswer("validating webhook may not return response.patchType");
    return [];
  }
  if (patch !== "" && type === null) {
    throw new InvalidAnswer("webhook returned response.patch but not response.patchType");
  }
  if (patch === "" && type !== null) {
    throw new InvalidAnswer("webhook returned response.patchType but not response.patch");
  }
  if (patch === "") return [];
  if (type !== "JSONPatch") throw new InvalidAnswer(`unsupported patch type ${JSON.stringify(type)}`);
  try {
    return jsonPatchOperations(parseJson(Buffer.from(patch, "base64").toString()));
  } catch (error) {
    throw new InvalidAnswer(`received undecodable patch in webhook response: ${String(error)}`, {
      cause: error,
    });
  }
}

/** The options of a write: query parameters, for DELETE a body too. */
import { isObject, own, textsAt } from "../objects/json.ts";
import type { Json, JsonObject } from "../objects/json.ts";
import { badRequest, invalid, unsupportedValue } from "../objects/status.ts";

type WriteOptionsKind = "CreateOptions" | "UpdateOptions" | "DeleteOptions";

const FIELD_VALIDATION = ["Ignore", "Warn", "Strict"];

/** As admission sees them; a PATCH carries UpdateOptions. @throws StatusError 422 for a wrong value. */
export function writeOptions(kind: WriteOptionsKind, query: URLSearchParams): JsonObject {
  const dryRun = query.getAll("dryRun");
  const fieldManager = query.get("fieldManager") ?? "";
  const fieldValidation = query.get("fieldValidation") ?? "";
  checkDryRun(kind, dryRun);
  if (fieldValidation !== "" && !FIELD_VALIDATION.includes(fieldValidation)) {
    throw wrong(kind, "fieldValidation", fieldValidation, FIELD_VALIDATION);
  }
  return {
    kind,
    apiVersion: "meta.k8s.io/v1",
    ...(dryRun.length === 0 ? {} : { dryRun }),
    ...(fieldManager === "" ? {} : { fieldManager }),
    ...(fieldValidation === "" ? {} : { fieldValidation }),
  };
}

/** A body wins over the query, as in the real server. */
export function deleteOptions(query: URLSearchParams, body: Json | undefined): JsonObject {
  const frame = { kind: "DeleteOptions", apiVersion: "meta.k8s.io/v1" };
  if (body === undefined || body === null) {
    const grace = query.get("gracePeriodSeconds");
    const policy = query.get("propagationPolicy");
    return {
      ...writeOptions("DeleteOptions", query),
      ...(grace === null ? {} : { gracePeriodSeconds: Number(grace) }),
      ...(policy === null ? {} : { propagationPolicy: policy }),
    };
  }
  if (!isObject(body)) throw badRequest("body: expected DeleteOptions");
  if ((own(body, "kind") ?? "DeleteOptions") !== "DeleteOptions") {
    throw badRequest("decoded object cannot be converted to DeleteOptions");
  }
  checkDryRun("DeleteOptions", textsAt(body, "dryRun"));
  return { ...body, ...frame };
}

/** Default: unknown fields are dropped with a warning. */
export function fieldValidation(query: URLSearchParams): string {
  return query.get("fieldValidation") || "Warn";
}

function checkDryRun(kind: WriteOptionsKind, values: readonly string[]): void {
  if (values.some((value) => value !== "All")) throw wrong(kind, "dryRun", values, ["All"]);
}

function wrong(kind: string, field: string, value: unknown, supported: readonly string[]): Error {
  return invalid({ group: "meta.k8s.io", kind }, [unsupportedValue(field, value, supported)]);
}

/**
 * OpenAPI documents made from the same field descriptions that decoding uses: enough for kubectl to validate,
 * explain, and compute client-side apply patches.
 */
import { pathOf } from "./discovery.ts";
import type { Json, JsonObject } from "./objects/json.ts";
import { resources } from "./objects/resource.ts";
import type { Resource } from "./objects/resource.ts";
import type { Schema } from "./objects/schema.ts";

const GVK = "x-kubernetes-group-version-kind";
const INFO = { title: "Kubernetes", version: "v1.35.4" };

/** GET /openapi/v3: where the documents are. */
export function openApiV3Index(): JsonObject {
  const paths = [...new Set(resources.map(pathOf))].map((path): [string, Json] => [
    path.slice(1),
    { serverRelativeURL: `/openapi/v3${path}` },
  ]);
  return { paths: Object.fromEntries(paths) };
}

/** One group and version, e.g. "api/v1"; undefined if there is none such. */
export function openApiV3(groupPath: string): JsonObject | undefined {
  const found = resources.filter((resource) => pathOf(resource).slice(1) === groupPath);
  if (found.length === 0) return undefined;
  return {
    openapi: "3.0.0",
    info: INFO,
    paths: Object.fromEntries(found.flatMap(pathsOf)),
    components: {
      schemas: Object.fromEntries(found.map((resource) => [modelName(resource), model(resource)])),
    },
  };
}

export function openApiV2(): JsonObject {
  return {
    swagger: "2.0",
    info: INFO,
    paths: Object.fromEntries(resources.flatMap(pathsOf)),
    definitions: Object.fromEntries(resources.map((resource) => [modelName(resource), model(resource)])),
  };
}

function modelName({ group, version, kind }: Resource): string {
  return `io.k8s.api.${group.split(".")[0] || "core"}.${version}.${kind}`;
}

function model(resource: Resource): JsonObject {
  return { ...schemaJson(resource.schema), description: resource.kind, [GVK]: [gvk(resource)] };
}

function gvk({ group, version, kind }: Resource): JsonObject {
  return { group, version, kind };
}

/** kubectl looks here for `dryRun` and `fieldValidation`: by them it knows that the server checks for itself. */
function pathsOf(resource: Resource): [string, Json][] {
  const base = `${pathOf(resource)}/${resource.namespaced ? "namespaces/{namespace}/" : ""}${resource.name}`;
  const operation = (action: string): JsonObject => ({
    "x-kubernetes-action": action,
    [GVK]: gvk(resource),
    parameters: ["dryRun", "fieldManager", "fieldValidation"].map((name) => ({
      name,
      in: "query",
      schema: { type: "string", uniqueItems: true },
    })),
    responses: { "200": { description: "OK" } },
  });
  const post: JsonObject = { post: operation("post") };
  if (resource.virtual) return [[base, post]];
  return [
    [base, post],
    [`${base}/{name}`, { put: operation("put"), patch: operation("patch"), delete: operation("delete") }],
  ];
}

function schemaJson(schema: Schema): JsonObject {
  switch (schema.type) {
    case "any":
      return { "x-kubernetes-preserve-unknown-fields": true };
    case "boolean":
      return { type: "boolean" };
    case "integer":
      return { type: "integer", format: "int64" };
    case "string":
    case "quantity":
      return { type: "string" };
    case "time":
      return { type: "string", format: "date-time" };
    case "bytes":
      return { type: "string", format: "byte" };
    case "map":
      return { type: "object", additionalProperties: schemaJson(schema.values) };
    case "object": {
      const fields = Object.entries(schema.fields).map(([key, field]): [string, Json] => [
        key,
        schemaJson(field),
      ]);
      return { type: "object", properties: Object.fromEntries(fields) };
    }
    case "list": {
      const list: JsonObject = { type: "array", items: schemaJson(schema.items) };
      if (schema.merge === undefined) return list;
      const merge = { ...list, "x-kubernetes-patch-strategy": "merge" };
      return schema.merge === "set" ? merge : { ...merge, "x-kubernetes-patch-merge-key": schema.merge.key };
    }
    default:
      return schema satisfies never;
  }
}

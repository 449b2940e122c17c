/**
 * The defaults that KubeEdge's API documentation promises and its code does not set (facts/kubeedge.md 1.2), as a JSON
 * patch for a mutating webhook. What is given stays as it is, good or bad: the rules judge it afterwards.
 */
import { TEMPLATE_PATH } from "./finding.ts";
import { fieldsOf } from "./job.ts";
import { isFields } from "./shape.ts";

/** An operation of RFC 6902; `add` also replaces. */
export interface PatchOperation {
  readonly op: "add";
  readonly path: string;
  readonly value: unknown;
}

export const DOCUMENTED_DEFAULTS = {
  timeoutSeconds: { value: 300, isUnset: (value: unknown) => (value ?? 0) === 0 },
  checkItems: {
    value: ["disk"],
    isUnset: (value: unknown) => (value ?? null) === null || (Array.isArray(value) && value.length === 0),
  },
  failureTolerate: { value: "0.1", isUnset: (value: unknown) => (value ?? "") === "" },
} as const;

/** For a new job only: a spec that is there is its owner's. Empty where nothing is to be set. */
export function defaultsPatch(spec: unknown): readonly PatchOperation[] {
  const template = fieldsOf(spec)["imagePrePullTemplate"];
  if (!isFields(template)) return [];
  return Object.entries(DOCUMENTED_DEFAULTS)
    .filter(([field, { isUnset }]) => isUnset(template[field]))
    .map(([field, { value }]) => ({
      op: "add",
      path: `/${TEMPLATE_PATH.replaceAll(".", "/")}/${field}`,
      value,
    }));
}

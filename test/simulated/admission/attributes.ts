/** What admission knows of a request besides the two objects. */
import { userJson } from "../access/user.ts";
import type { UserInfo } from "../access/user.ts";
import type { JsonObject } from "../objects/json.ts";
import type { Resource } from "../objects/resource.ts";

export type Operation = "CREATE" | "UPDATE" | "DELETE";

export interface Attributes {
  readonly operation: Operation;
  readonly resource: Resource;
  /** "" for the main resource. */
  readonly subresource: string;
  readonly namespace: string;
  /** "" when many objects are deleted by one request; only oldObject names them then. */
  readonly name: string;
  readonly user: UserInfo;
  readonly dryRun: boolean;
  /** CreateOptions, UpdateOptions (of a PATCH too) or DeleteOptions. */
  readonly options: JsonObject;
  /** Filled by webhooks, answered as headers and logged. */
  readonly notes: Notes;
}

/** What admission leaves behind beside its decision. */
export interface Notes {
  readonly warnings: string[];
  readonly audit: Record<string, string>;
}

export interface Objects {
  /** null on DELETE. */
  readonly object: JsonObject | null;
  /** null on CREATE. */
  readonly oldObject: JsonObject | null;
}

/**
 * The `request` of an AdmissionReview and of CEL, without uid and objects. Empty fields are left out where Go's
 * `omitempty` leaves them out: code that reads `request.name` on a deletecollection must cope with undefined.
 */
export function requestOf(attributes: Attributes): JsonObject {
  const { resource, subresource, name, namespace, user } = attributes;
  const kind = { group: resource.group, version: resource.version, kind: resource.kind };
  const gvr = { group: resource.group, version: resource.version, resource: resource.name };
  return {
    kind,
    resource: gvr,
    ...omitEmpty("subResource", subresource),
    requestKind: { ...kind },
    requestResource: { ...gvr },
    ...omitEmpty("requestSubResource", subresource),
    ...omitEmpty("name", name),
    ...omitEmpty("namespace", namespace),
    operation: attributes.operation,
    userInfo: userJson(user),
    dryRun: attributes.dryRun,
    options: attributes.options,
  };
}

function omitEmpty(key: string, value: string): JsonObject {
  return value === "" ? {} : { [key]: value };
}

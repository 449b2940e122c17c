/** What the verbs work with, and what they are asked. */
import type { Authorizer } from "../access/authorizer.ts";
import type { UserInfo } from "../access/user.ts";
import type { Admission } from "../admission/admission.ts";
import type { Attributes, Notes, Operation } from "../admission/attributes.ts";
import type { Json, JsonObject } from "../objects/json.ts";
import type { Resource } from "../objects/resource.ts";
import type { Store } from "../storage/store.ts";

export interface Api {
  readonly store: Store;
  readonly admission: Admission;
  readonly authorizer: Authorizer;
  readonly now: () => Date;
}

/** A request on an existing resource, authenticated and authorized. */
export interface ApiRequest {
  readonly verb: string;
  readonly resource: Resource;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly user: UserInfo;
  readonly query: URLSearchParams;
  readonly body: Json | undefined;
  readonly contentType: string;
  readonly notes: Notes;
}

export interface ApiAnswer {
  readonly code: number;
  readonly body: JsonObject;
}

export function attributesOf(request: ApiRequest, operation: Operation, options: JsonObject): Attributes {
  const { resource, subresource, namespace, name, user, notes } = request;
  const dryRun = Array.isArray(options["dryRun"]) && options["dryRun"].includes("All");
  return { operation, resource, subresource, namespace, name, user, dryRun, options, notes };
}

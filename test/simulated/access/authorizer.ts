/** Who may do what. RBAC objects are not kept here: the one who starts the server says so in a function. */
import { AUTHENTICATION_GROUP, AUTHORIZATION_GROUP } from "../objects/resource.ts";
import { forbidden } from "../objects/status.ts";
import type { StatusError } from "../objects/status.ts";
import { MASTERS } from "./user.ts";
import type { UserInfo } from "./user.ts";

export interface AccessAttributes {
  /** get, list, watch, create, update, patch, delete, deletecollection, impersonate, or any other word. */
  readonly verb: string;
  readonly group: string;
  /** "" for a path that is no resource. */
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** "" for a resource. */
  readonly path: string;
}

/** True: allowed. Asked only for users who are not in `system:masters`. */
export type AllowTable = (user: UserInfo, attributes: AccessAttributes) => boolean;

export interface Authorizer {
  allows(user: UserInfo, attributes: AccessAttributes): boolean;
  /** @throws StatusError 403 with the real server's sentence. */
  demand(user: UserInfo, attributes: AccessAttributes): void;
}

export function authorizer(table: AllowTable): Authorizer {
  const allows = (user: UserInfo, attributes: AccessAttributes): boolean =>
    user.groups.includes(MASTERS) || isForEveryone(attributes) || table(user, attributes);
  return {
    allows,
    demand: (user, attributes) => {
      if (!allows(user, attributes)) throw refusal(user, attributes);
    },
  };
}

/** What the default roles system:discovery and system:basic-user give to every known user. */
function isForEveryone({ verb, group, resource, path }: AccessAttributes): boolean {
  if (resource === "") {
    return verb === "get" && /^\/(api|apis|openapi|version|healthz|livez|readyz)(\/|$)/.test(path);
  }
  if (verb !== "create") return false;
  if (group === AUTHENTICATION_GROUP) return resource === "selfsubjectreviews";
  return group === AUTHORIZATION_GROUP && resource === "selfsubjectaccessreviews";
}

function refusal(user: UserInfo, attributes: AccessAttributes): StatusError {
  const { verb, group, resource, subresource, namespace, name, path } = attributes;
  const who = `User ${JSON.stringify(user.username)} cannot ${verb}`;
  if (resource === "") return forbidden({ group: "", kind: "" }, `${who} path ${JSON.stringify(path)}`);
  const what = JSON.stringify(subresource === "" ? resource : `${resource}/${subresource}`);
  const where = namespace === "" ? "at the cluster scope" : `in the namespace ${JSON.stringify(namespace)}`;
  return forbidden(
    { group, kind: resource, name },
    `${who} resource ${what} in API group ${JSON.stringify(group)} ${where}`,
  );
}

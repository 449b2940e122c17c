/** From an authenticated request to the answer: authorization, then the right verb of the right resource. */
import type { UserInfo } from "../access/user.ts";
import type { Notes } from "../admission/attributes.ts";
import { discovery, versionInfo } from "../discovery.ts";
import type { Json, JsonObject } from "../objects/json.ts";
import { resources } from "../objects/resource.ts";
import type { Resource } from "../objects/resource.ts";
import { internalError, methodNotAllowed, unknownPath, unsupportedMediaType } from "../objects/status.ts";
import { openApiV2, openApiV3, openApiV3Index } from "../openapi.ts";
import type { Api, ApiAnswer, ApiRequest } from "../rest/api.ts";
import { create } from "../rest/create.ts";
import { remove, removeMany } from "../rest/delete.ts";
import { list, read } from "../rest/read.ts";
import { patch, replace } from "../rest/update.ts";
import { checkPatchType } from "../patch/patch.ts";
import type { Representation } from "./accept.ts";
import { PROTOBUF } from "./protobuf-review.ts";
import type { RequestInfo } from "./request-info.ts";

const STATUS_VERBS = ["get", "update", "patch"];

/** The resource of a request. @throws StatusError 404 or 405 */
export function resourceOf(info: RequestInfo): Resource {
  const { group, version, resource: name, subresource, namespace, verb } = info;
  const resource = resources.find(
    (item) => item.group === group && item.version === version && item.name === name,
  );
  if (resource === undefined) throw unknownPath();
  if (subresource !== "" && !(subresource === "status" && resource.status)) throw unknownPath();
  if (!resource.namespaced && namespace !== "" && name !== "namespaces") throw unknownPath();
  const verbs = subresource === "" ? resource.verbs : STATUS_VERBS;
  const needsNamespace = !["list", "watch", "deletecollection"].includes(verb);
  if (!verbs.includes(verb) || (resource.namespaced && needsNamespace && namespace === "")) {
    throw methodNotAllowed();
  }
  // PUT and PATCH of a whole collection, POST to a named object.
  if ((verb === "create") !== (info.name === "") && !["list", "watch", "deletecollection"].includes(verb)) {
    throw methodNotAllowed();
  }
  return resource;
}

export interface RequestParts {
  readonly info: RequestInfo;
  readonly query: URLSearchParams;
  readonly user: UserInfo;
  readonly body: Json | undefined;
  readonly contentType: string;
  readonly notes: Notes;
}

export function apiRequest(resource: Resource, { info, ...rest }: RequestParts): ApiRequest {
  const { verb, subresource, namespace, name } = info;
  return { ...rest, verb, resource, subresource, namespace, name };
}

/** Everything but watch. @throws StatusError */
export async function answerResource(api: Api, request: ApiRequest, as: Representation): Promise<ApiAnswer> {
  switch (request.verb) {
    case "get":
      return read(api, request, as);
    case "list":
      return list(api, request, as);
    case "create":
      return create(api, request);
    case "update":
      return replace(api, request);
    case "patch":
      return patch(api, request);
    case "delete":
      return remove(api, request);
    case "deletecollection":
      return removeMany(api, request);
    default:
      throw internalError(`verb ${request.verb} has no handler`);
  }
}

/** Before the body is read: what a client sent in a format we do not speak. @throws StatusError 415 */
export function checkContentType(resource: Resource, verb: string, contentType: string): void {
  if (verb === "patch") checkPatchType(contentType, resource);
  else if (verb !== "get" && contentType !== "application/json") {
    if (!resource.virtual) throw unsupportedMediaType(["application/json"]);
    if (contentType !== PROTOBUF) throw unsupportedMediaType(["application/json", PROTOBUF]);
  }
}

/** Discovery, OpenAPI and version. @throws StatusError 404, 405 */
export function answerPath({ verb, path }: RequestInfo, as: Representation): JsonObject {
  if (verb !== "get") throw methodNotAllowed();
  if (path === "/version") return versionInfo();
  if (path === "/openapi/v2") return openApiV2();
  if (path === "/openapi/v3") return openApiV3Index();
  const document = path.startsWith("/openapi/v3/")
    ? openApiV3(path.slice("/openapi/v3/".length))
    : discovery(path, as === "aggregated-discovery");
  if (document === undefined) throw unknownPath();
  return document;
}

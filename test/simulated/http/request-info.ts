/** What a URL and method ask for, resource or not, before it is known whether such a resource exists. */
import type { AccessAttributes } from "../access/authorizer.ts";

export interface RequestInfo extends AccessAttributes {
  readonly version: string;
  /** The request is about an API resource, existing or not. */
  readonly isResource: boolean;
}

const NAMED_VERBS: Readonly<Record<string, string>> = {
  GET: "get",
  HEAD: "get",
  POST: "create",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};

/** `query` tells a watch from a list. */
export function requestInfo(method: string, path: string, query: URLSearchParams): RequestInfo {
  const parts = path
    .split("/")
    .filter((part) => part !== "")
    .map(decodeURIComponent);
  const nothing = { group: "", version: "", resource: "", subresource: "", namespace: "", name: "" };
  const skipped = parts[0] === "api" ? 2 : parts[0] === "apis" ? 3 : Infinity;
  if (parts.length <= skipped) {
    return { ...nothing, isResource: false, verb: NAMED_VERBS[method] ?? method.toLowerCase(), path };
  }
  const group = skipped === 3 ? (parts[1] ?? "") : "";
  const version = parts[skipped - 1] ?? "";
  const [first = "", second = "", third = "", fourth = "", fifth = ""] = parts.slice(skipped);
  // /namespaces/NS/pods/NAME/status is about a pod; /namespaces/NS and its two subresources about the namespace.
  const inNamespace = first === "namespaces" && third !== "" && third !== "status" && third !== "finalize";
  const [resource, name, subresource] = inNamespace ? [third, fourth, fifth] : [first, second, third];
  const namespace = first === "namespaces" ? second : "";
  const verb = verbOf(method, name, query);
  return { isResource: true, verb, group, version, resource, subresource, namespace, name, path: "" };
}

function verbOf(method: string, name: string, query: URLSearchParams): string {
  const verb = NAMED_VERBS[method] ?? "";
  if (verb === "get" && isTrue(query.get("watch"))) return "watch";
  if (name !== "") return verb;
  if (verb === "get") return "list";
  return verb === "delete" ? "deletecollection" : verb;
}

export function isTrue(value: string | null): boolean {
  return value === "1" || value === "true";
}

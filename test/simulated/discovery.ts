/** /api, /apis and below: what resources there are, in the old form and in the aggregated one (KEP-3352). */
import type { JsonObject } from "./objects/json.ts";
import { apiVersionOf, resources } from "./objects/resource.ts";
import type { Resource } from "./objects/resource.ts";

/** The Kubernetes version this server imitates. */
const VERSION = { major: "1", minor: "35", gitVersion: "v1.35.4+nodelatch-simulated" };

export function versionInfo(): JsonObject {
  return {
    ...VERSION,
    gitCommit: "",
    gitTreeState: "clean",
    buildDate: "1970-01-01T00:00:00Z",
    goVersion: "",
    compiler: "node",
    platform: `${process.platform}/${process.arch}`,
  };
}

const STATUS_VERBS = ["get", "patch", "update"];

/** undefined: no such path. */
export function discovery(path: string, aggregated: boolean): JsonObject | undefined {
  const parts = path.split("/").filter((part) => part !== "");
  if (parts[0] === "api") {
    if (parts.length === 1)
      return aggregated ? aggregatedList([""]) : { kind: "APIVersions", versions: ["v1"] };
    return parts.length === 2 && parts[1] === "v1" ? resourceList("", "v1") : undefined;
  }
  if (parts[0] !== "apis" || parts.length > 3) return undefined;
  const groups = [...new Set(resources.map((resource) => resource.group))].filter((group) => group !== "");
  if (parts.length === 1) {
    if (aggregated) return aggregatedList(groups);
    return { kind: "APIGroupList", apiVersion: "v1", groups: groups.map(apiGroup) };
  }
  const group = parts[1] ?? "";
  if (!groups.includes(group)) return undefined;
  if (parts.length === 2) return { kind: "APIGroup", apiVersion: "v1", ...apiGroup(group) };
  return parts[2] === "v1" ? resourceList(group, "v1") : undefined;
}

function inGroup(group: string): readonly Resource[] {
  return resources.filter((resource) => resource.group === group);
}

function apiGroup(group: string): JsonObject {
  const version = { groupVersion: `${group}/v1`, version: "v1" };
  return { name: group, versions: [version], preferredVersion: { ...version } };
}

function resourceList(group: string, version: string): JsonObject {
  const entries = inGroup(group).flatMap((resource) => {
    const { name, singular, namespaced, kind, verbs, shortNames } = resource;
    const entry = { name, singularName: singular, namespaced, kind, verbs: [...verbs] };
    const status = { name: `${name}/status`, singularName: "", namespaced, kind, verbs: STATUS_VERBS };
    const main = shortNames.length === 0 ? entry : { ...entry, shortNames: [...shortNames] };
    return resource.status ? [main, status] : [main];
  });
  const groupVersion = group === "" ? version : `${group}/${version}`;
  return { kind: "APIResourceList", apiVersion: "v1", groupVersion, resources: entries };
}

function aggregatedList(groups: readonly string[]): JsonObject {
  return {
    kind: "APIGroupDiscoveryList",
    apiVersion: "apidiscovery.k8s.io/v2",
    metadata: {},
    items: groups.map((group) => ({
      metadata: group === "" ? {} : { name: group },
      versions: [{ version: "v1", freshness: "Current", resources: inGroup(group).map(aggregatedResource) }],
    })),
  };
}

function aggregatedResource(resource: Resource): JsonObject {
  const responseKind = { group: resource.group, version: resource.version, kind: resource.kind };
  const status = [{ subresource: "status", responseKind: { ...responseKind }, verbs: STATUS_VERBS }];
  return {
    resource: resource.name,
    responseKind,
    scope: resource.namespaced ? "Namespaced" : "Cluster",
    singularResource: resource.singular,
    verbs: [...resource.verbs],
    ...(resource.shortNames.length === 0 ? {} : { shortNames: [...resource.shortNames] }),
    ...(resource.status ? { subresources: status } : {}),
  };
}

export function pathOf(resource: Resource): string {
  return resource.group === "" ? `/api/${resource.version}` : `/apis/${apiVersionOf(resource)}`;
}

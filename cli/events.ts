/** Events about nodes, as Nodelatch and others write them. */
import { apiPath, type KubeConnection } from "../kube/call.ts";
import { isObject, objectAt, textAt, type JsonObject } from "../kube/json.ts";
import { listAll } from "./lists.ts";

export interface NodeEvent {
  readonly node: string;
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly count: number;
  readonly component: string;
  /** RFC 3339; "" if the Event has no time. */
  readonly firstAt: string;
  readonly lastAt: string;
}

/**
 * RBAC: `list` on events in namespace default, where Events of nodes are.
 * @param fields more of the field selector, e.g. `{reason: "UncordonRefused"}`.
 * @throws KubeError
 */
export async function listNodeEvents(
  kube: KubeConnection,
  fields: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<readonly NodeEvent[]> {
  const selector = Object.entries({ "involvedObject.kind": "Node", ...fields }).map(
    ([key, value]) => `${key}=${value}`,
  );
  const items = await listAll(kube, {
    doing: "list Events of nodes",
    path: apiPath("api", "v1", "namespaces", "default", "events"),
    kind: "EventList",
    query: { fieldSelector: selector.join(",") },
    signal,
  });
  return items.map(parseEvent).toSorted((a, b) => a.lastAt.localeCompare(b.lastAt));
}

function parseEvent(event: JsonObject): NodeEvent {
  const count = event["count"];
  // Events of events.k8s.io carry eventTime and a series instead.
  const series = objectAt(event, "series");
  const firstAt = textAt(event, "firstTimestamp") ?? textAt(event, "eventTime") ?? "";
  return {
    node: textAt(objectAt(event, "involvedObject"), "name") ?? "",
    type: textAt(event, "type") ?? "",
    reason: textAt(event, "reason") ?? "",
    message: textAt(event, "message") ?? "",
    count: typeof count === "number" ? count : seriesCount(series),
    component: textAt(objectAt(event, "source"), "component") ?? textAt(event, "reportingComponent") ?? "",
    firstAt,
    lastAt: textAt(event, "lastTimestamp") ?? textAt(series, "lastObservedTime") ?? firstAt,
  };
}

function seriesCount(series: JsonObject | undefined): number {
  const count = isObject(series) ? series["count"] : undefined;
  return typeof count === "number" ? count : 1;
}

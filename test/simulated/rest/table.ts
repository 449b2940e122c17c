/** The tables that `kubectl get` prints: columns and cells are made by the server. */
import { listAt, objectAt, own, textAt, textEntries } from "../objects/json.ts";
import type { Json, JsonObject } from "../objects/json.ts";
import {
  events,
  leases,
  mutatingWebhooks,
  namespaces,
  nodes,
  secrets,
  validatingWebhooks,
} from "../objects/resource.ts";
import type { Resource } from "../objects/resource.ts";

interface Column {
  readonly name: string;
  /** 1: only with `-o wide`. */
  readonly priority?: 1;
  readonly cell: (object: JsonObject, now: Date) => Json;
}

interface TableOptions {
  readonly now: Date;
  /** What each row carries: None, Metadata or Object. */
  readonly include: string;
  readonly version: number;
}

export function tableOf(resource: Resource, items: readonly JsonObject[], options: TableOptions): JsonObject {
  const columns = COLUMNS.get(resource) ?? [NAME, AGE];
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata: { resourceVersion: String(options.version) },
    columnDefinitions: columns.map(({ name, priority }) => ({
      name,
      type: "string",
      format: name === "Name" ? "name" : "",
      description: "",
      priority: priority ?? 0,
    })),
    rows: items.map((item) => ({
      cells: columns.map(({ cell }) => cell(item, options.now)),
      object: rowObject(item, options.include),
    })),
  };
}

function rowObject(item: JsonObject, include: string): Json {
  if (include === "Object") return item;
  if (include === "None") return null;
  return {
    kind: "PartialObjectMetadata",
    apiVersion: "meta.k8s.io/v1",
    metadata: objectAt(item, "metadata"),
  };
}

const NAME: Column = { name: "Name", cell: (object) => textAt(objectAt(object, "metadata"), "name") };
const AGE: Column = {
  name: "Age",
  cell: (object, now) => since(textAt(objectAt(object, "metadata"), "creationTimestamp"), now),
};

const NODE_INFO = (name: string, field: string): Column => ({
  name,
  priority: 1,
  cell: (object) => textAt(objectAt(object, "status", "nodeInfo"), field) || "<unknown>",
});

const ADDRESS = (name: string, type: string): Column => ({
  name,
  priority: 1,
  cell: (object) => {
    const addresses = listAt(objectAt(object, "status"), "addresses").map((item) => objectAt(item));
    const found = addresses.find((address) => textAt(address, "type") === type);
    return found === undefined ? "<none>" : textAt(found, "address");
  },
});

const WEBHOOK_COLUMNS: readonly Column[] = [
  NAME,
  { name: "Webhooks", cell: (object) => listAt(object, "webhooks").length },
  AGE,
];

const EVENT_COLUMNS: readonly Column[] = [
  { name: "Last Seen", cell: lastSeen },
  { name: "Type", cell: (object) => textAt(object, "type") },
  { name: "Reason", cell: (object) => textAt(object, "reason") },
  {
    name: "Object",
    cell: (object) => {
      const about = objectAt(object, "involvedObject");
      const kind = textAt(about, "kind").toLowerCase();
      return textAt(about, "name") === "" ? kind : `${kind}/${textAt(about, "name")}`;
    },
  },
  {
    name: "Subobject",
    priority: 1,
    cell: (object) => textAt(objectAt(object, "involvedObject"), "fieldPath"),
  },
  { name: "Source", priority: 1, cell: eventSource },
  { name: "Message", cell: (object) => textAt(object, "message").trim() },
  { name: "First Seen", priority: 1, cell: firstSeen },
  {
    name: "Count",
    priority: 1,
    cell: (object) => own(objectAt(object, "series"), "count") ?? own(object, "count") ?? 1,
  },
  { ...NAME, priority: 1 },
];

const COLUMNS: ReadonlyMap<Resource, readonly Column[]> = new Map([
  [
    nodes,
    [
      NAME,
      { name: "Status", cell: nodeStatus },
      { name: "Roles", cell: nodeRoles },
      AGE,
      { name: "Version", cell: (object) => textAt(objectAt(object, "status", "nodeInfo"), "kubeletVersion") },
      ADDRESS("Internal-IP", "InternalIP"),
      ADDRESS("External-IP", "ExternalIP"),
      NODE_INFO("OS-Image", "osImage"),
      NODE_INFO("Kernel-Version", "kernelVersion"),
      NODE_INFO("Container-Runtime", "containerRuntimeVersion"),
    ],
  ],
  [events, EVENT_COLUMNS],
  [namespaces, [NAME, { name: "Status", cell: () => "Active" }, AGE]],
  [
    secrets,
    [
      NAME,
      { name: "Type", cell: (object) => textAt(object, "type") },
      { name: "Data", cell: (object) => Object.keys(objectAt(object, "data")).length },
      AGE,
    ],
  ],
  [
    leases,
    [NAME, { name: "Holder", cell: (object) => textAt(objectAt(object, "spec"), "holderIdentity") }, AGE],
  ],
  [validatingWebhooks, WEBHOOK_COLUMNS],
  [mutatingWebhooks, WEBHOOK_COLUMNS],
]);

function nodeStatus(object: JsonObject): string {
  const conditions = listAt(objectAt(object, "status"), "conditions").map((item) => objectAt(item));
  const ready = conditions.find((condition) => textAt(condition, "type") === "Ready");
  const status = ready === undefined ? "Unknown" : textAt(ready, "status") === "True" ? "Ready" : "NotReady";
  return own(objectAt(object, "spec"), "unschedulable") === true ? `${status},SchedulingDisabled` : status;
}

const ROLE_PREFIX = "node-role.kubernetes.io/";

function nodeRoles(object: JsonObject): string {
  const roles = textEntries(objectAt(object, "metadata", "labels")).flatMap(([key, value]) => {
    if (key.startsWith(ROLE_PREFIX) && key.length > ROLE_PREFIX.length)
      return [key.slice(ROLE_PREFIX.length)];
    return key === "kubernetes.io/role" && value !== "" ? [value] : [];
  });
  return roles.length === 0 ? "<none>" : [...new Set(roles)].toSorted().join(",");
}

function firstSeen(object: JsonObject, now: Date): string {
  return since(textAt(object, "firstTimestamp") || textAt(object, "eventTime"), now);
}

function lastSeen(object: JsonObject, now: Date): string {
  const last = textAt(objectAt(object, "series"), "lastObservedTime") || textAt(object, "lastTimestamp");
  return last === "" ? firstSeen(object, now) : since(last, now);
}

function eventSource(object: JsonObject): string {
  const source = objectAt(object, "source");
  const parts = [
    textAt(source, "component") || textAt(object, "reportingComponent"),
    textAt(source, "host") || textAt(object, "reportingInstance"),
  ];
  return parts.filter((part) => part !== "").join(", ");
}

function since(time: string, now: Date): string {
  const millis = now.getTime() - Date.parse(time);
  return Number.isNaN(millis) ? "<unknown>" : humanDuration(millis / 1000);
}

/** Two or three significant figures, e.g. `5m10s`, `3h`, `2d4h`: the AGE column. */
export function humanDuration(exactSeconds: number): string {
  const seconds = Math.trunc(exactSeconds);
  if (seconds < -1) return "<invalid>";
  if (seconds < 120) return `${Math.max(0, seconds)}s`;
  const minutes = Math.trunc(seconds / 60);
  if (minutes < 10) return `${minutes}m${tail(seconds % 60, "s")}`;
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.trunc(minutes / 60);
  if (hours < 8) return `${hours}h${tail(minutes % 60, "m")}`;
  if (hours < 48) return `${hours}h`;
  const days = Math.trunc(hours / 24);
  if (hours < 192) return `${days}d${tail(hours % 24, "h")}`;
  if (days < 730) return `${days}d`;
  const years = Math.trunc(days / 365);
  return days < 2920 ? `${years}y${tail(days % 365, "d")}` : `${years}y`;
}

function tail(amount: number, unit: string): string {
  return amount === 0 ? "" : `${amount}${unit}`;
}

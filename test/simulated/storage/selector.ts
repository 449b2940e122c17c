/** fieldSelector and labelSelector of list, watch and deletecollection. */
import { objectAt, own, textAt } from "../objects/json.ts";
import type { Json, JsonObject } from "../objects/json.ts";
import { events, namespaces, nodes, pods, secrets } from "../objects/resource.ts";
import type { Resource } from "../objects/resource.ts";
import { badRequest } from "../objects/status.ts";

export type Selector = (object: JsonObject) => boolean;

const COMMON_FIELDS = ["metadata.name", "metadata.namespace"];
const FIELDS: ReadonlyMap<Resource, readonly string[]> = new Map([
  [nodes, ["spec.unschedulable"]],
  [secrets, ["type"]],
  [namespaces, ["status.phase"]],
  [pods, ["spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "status.phase", "status.podIP"]],
  [
    events,
    [
      ...["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"].map(
        (field) => `involvedObject.${field}`,
      ),
      "reason",
      "reportingComponent",
      "source",
      "type",
    ],
  ],
]);

/** @throws StatusError 400 for a selector that the resource does not have, as the real server. */
export function selectorOf(resource: Resource, query: URLSearchParams): Selector {
  const fields = (query.get("fieldSelector") ?? "")
    .split(",")
    .filter((term) => term !== "")
    .map((term) => fieldTerm(resource, term));
  const labels = splitTerms(query.get("labelSelector") ?? "").map(labelTerm);
  const terms = [...fields, ...labels];
  return (object) => terms.every((term) => term(object));
}

function fieldTerm(resource: Resource, term: string): Selector {
  const found = /^([^!=]+)(!=|==?)(.*)$/.exec(term);
  const [field, operator, value] = [found?.[1] ?? "", found?.[2], found?.[3] ?? ""];
  if (operator === undefined) throw badRequest(`invalid selector: '${term}'; can't understand '${term}'`);
  if (![...COMMON_FIELDS, ...(FIELDS.get(resource) ?? [])].includes(field)) {
    throw badRequest(`field label not supported: ${field}`);
  }
  return (object) => (fieldText(object, field) === value) === (operator !== "!=");
}

function fieldText(object: JsonObject, field: string): string {
  const path = field.split(".");
  const key = path.pop() ?? "";
  const value: Json | undefined = own(objectAt(object, ...path), key);
  if (field === "spec.unschedulable") return String(value === true);
  // The field `source` of an Event is the component that wrote it.
  if (field === "source") return textAt(objectAt(object, "source"), "component");
  return typeof value === "string" ? value : "";
}

/** Commas inside `in (a,b)` do not part terms. */
function splitTerms(text: string): string[] {
  return text
    .split(/,(?![^(]*\))/)
    .map((term) => term.trim())
    .filter((term) => term !== "");
}

function labelTerm(term: string): Selector {
  const set = /^(\S+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(term);
  if (set !== null) {
    const values = (set[3] ?? "").split(",").map((value) => value.trim());
    return labelTest(
      set[1] ?? "",
      (label) => (label !== undefined && values.includes(label)) === (set[2] === "in"),
    );
  }
  const equal = /^([^!=\s]+)\s*(!=|==?)\s*(.*)$/.exec(term);
  if (equal !== null) {
    return labelTest(equal[1] ?? "", (label) => (label === equal[3]) === (equal[2] !== "!="));
  }
  if (term.startsWith("!")) return labelTest(term.slice(1), (label) => label === undefined);
  if (/[\s()=!]/.test(term)) throw badRequest(`unable to parse requirement: ${term}`);
  return labelTest(term, (label) => label !== undefined);
}

function labelTest(key: string, test: (label: string | undefined) => boolean): Selector {
  return (object) => {
    const label = own(objectAt(object, "metadata", "labels"), key);
    return test(typeof label === "string" ? label : undefined);
  };
}

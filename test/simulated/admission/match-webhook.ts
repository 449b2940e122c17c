/** Whether a registered webhook is about a request: selectors and rules. matchConditions come after this. */
import { listAt, objectAt, own, textAt, textsAt } from "../objects/json.ts";
import type { JsonObject } from "../objects/json.ts";
import { namespaces } from "../objects/resource.ts";
import type { Attributes, Objects } from "./attributes.ts";

/** Labels of the request's namespace; undefined if that does not exist. */
type NamespaceLabels = (namespace: string) => JsonObject | undefined;

export function webhookMatches(
  webhook: JsonObject,
  attributes: Attributes,
  objects: Objects,
  namespaceLabels: NamespaceLabels,
): boolean {
  return (
    matchesNamespace(objectAt(webhook, "namespaceSelector"), attributes, objects, namespaceLabels) &&
    matchesObjects(objectAt(webhook, "objectSelector"), objects) &&
    listAt(webhook, "rules").some((rule) => ruleMatches(objectAt(rule), attributes))
  );
}

/** A rule on `nodes` is not about `nodes/status`: a subresource is matched only if it is named, or by `*`. */
function ruleMatches(rule: JsonObject, attributes: Attributes): boolean {
  const { resource, subresource, operation, namespace } = attributes;
  const scope = textAt(rule, "scope");
  const clusterScoped = resource === namespaces || namespace === "";
  if (scope === "Cluster" && !clusterScoped) return false;
  if (scope === "Namespaced" && clusterScoped) return false;
  return (
    includesOrStar(textsAt(rule, "operations"), operation) &&
    includesOrStar(textsAt(rule, "apiGroups"), resource.group) &&
    includesOrStar(textsAt(rule, "apiVersions"), resource.version) &&
    textsAt(rule, "resources").some((pattern) => {
      const slash = pattern.indexOf("/");
      const main = slash < 0 ? pattern : pattern.slice(0, slash);
      const sub = slash < 0 ? "" : pattern.slice(slash + 1);
      return (main === "*" || main === resource.name) && (sub === "*" || sub === subresource);
    })
  );
}

function includesOrStar(items: readonly string[], wanted: string): boolean {
  return items.includes("*") || items.includes(wanted);
}

/** Objects outside namespaces are never held back by a namespaceSelector, except namespaces themselves. */
function matchesNamespace(
  selector: JsonObject,
  attributes: Attributes,
  objects: Objects,
  namespaceLabels: NamespaceLabels,
): boolean {
  if (attributes.resource === namespaces) return matchesObjects(selector, objects);
  if (attributes.namespace === "") return true;
  return selectorMatches(selector, namespaceLabels(attributes.namespace) ?? {});
}

/** Either side is enough, so a request cannot escape by taking the label away. */
function matchesObjects(selector: JsonObject, objects: Objects): boolean {
  if (Object.keys(selector).length === 0) return true;
  return [objects.object, objects.oldObject].some(
    (object) => object !== null && selectorMatches(selector, objectAt(object, "metadata", "labels")),
  );
}

function selectorMatches(selector: JsonObject, labels: JsonObject): boolean {
  const equal = Object.entries(objectAt(selector, "matchLabels")).every(
    ([key, value]) => own(labels, key) === value,
  );
  return (
    equal &&
    listAt(selector, "matchExpressions").every((item) => {
      const expression = objectAt(item);
      const label = own(labels, textAt(expression, "key"));
      const values = textsAt(expression, "values");
      switch (textAt(expression, "operator")) {
        case "In":
          return typeof label === "string" && values.includes(label);
        case "NotIn":
          return typeof label !== "string" || !values.includes(label);
        case "Exists":
          return label !== undefined;
        case "DoesNotExist":
          return label === undefined;
        default:
          return false;
      }
    })
  );
}

/** What releasing a lock needs of the agent's own Node, read once from raw JSON. */
import { isObject, objectAt, textAt } from "../../kube/json.ts";
import { LOCK_ANNOTATION, parseNode, type NodeView } from "../../lock/node.ts";

export interface OwnNode {
  readonly view: NodeView;
  /** A write with it holds only for the node as it was read. */
  readonly resourceVersion: string;
  /** Status of the condition Ready; undefined if there is none. */
  readonly ready: string | undefined;
  /** When who owns the lock's annotation last wrote to the node, by the API server's clock; undefined if it keeps no such note. */
  readonly lockWrittenMillis: number | undefined;
}

/** @throws TypeError naming the field, if it is no Node as an API server sends it. */
export function parseOwnNode(raw: unknown): OwnNode {
  const view = parseNode(raw, "the answer");
  const metadata = objectAt(raw, "metadata");
  const resourceVersion = textAt(metadata, "resourceVersion") ?? "";
  if (resourceVersion === "")
    throw new TypeError("the answer.metadata.resourceVersion: expected a text, got none");
  const conditions = itemsAt(objectAt(raw, "status"), "conditions");
  const ready = conditions.find((condition) => textAt(condition, "type") === "Ready");
  return {
    view,
    resourceVersion,
    ready: textAt(ready, "status"),
    lockWrittenMillis: lastWrite(itemsAt(metadata, "managedFields")),
  };
}

/** Several may own it: who applies and who updates. */
function lastWrite(entries: readonly unknown[]): number | undefined {
  let last: number | undefined;
  for (const entry of entries) {
    const annotations = objectAt(objectAt(objectAt(entry, "fieldsV1"), "f:metadata"), "f:annotations");
    const millis = Date.parse(textAt(entry, "time") ?? "");
    if (annotations?.[`f:${LOCK_ANNOTATION}`] === undefined || Number.isNaN(millis)) continue;
    last = Math.max(last ?? millis, millis);
  }
  return last;
}

function itemsAt(value: unknown, key: string): readonly unknown[] {
  const found = isObject(value) ? value[key] : undefined;
  return Array.isArray(found) ? found : [];
}

/** What a Deployment or a DaemonSet runs. Pure. */
import { objectAt, objectsAt, stringsAt, type JsonObject } from "../../kube/json.ts";

/** The spec of its pods. */
export function podSpecIn(workload: JsonObject): JsonObject | undefined {
  return objectAt(objectAt(objectAt(workload, "spec"), "template"), "spec");
}

/** Of all its containers. */
export function argumentsIn(workload: JsonObject): readonly string[] {
  return objectsAt(podSpecIn(workload), "containers").flatMap((container) => stringsAt(container, "args"));
}

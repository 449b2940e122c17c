/** Nodelatch's own workloads, and what a Deployment or a DaemonSet runs. */
import { apiPath, type KubeConnection } from "../../kube/call.ts";
import { objectAt, objectsAt, stringsAt, type JsonObject } from "../../kube/json.ts";
import { look, readObject, type Fact } from "./facts.ts";

export const WEBHOOK = "nodelatch-webhook";
export const AGENT = "nodelatch-agent";

/** The objects; undefined where there is none. */
export interface Workloads {
  /** A Deployment. */
  readonly webhook: Fact<JsonObject | undefined>;
  /** A DaemonSet. */
  readonly agent: Fact<JsonObject | undefined>;
}

/** RBAC: `get` on deployments and daemonsets. */
export async function readWorkloads(
  kube: KubeConnection,
  namespace: string,
  signal: AbortSignal,
): Promise<Workloads> {
  const read = async (resource: string, name: string) =>
    look(signal, async () =>
      readObject(kube, apiPath("apis", "apps", "v1", "namespaces", namespace, resource, name), signal),
    );
  return { webhook: await read("deployments", WEBHOOK), agent: await read("daemonsets", AGENT) };
}

/** The spec of its pods. */
export function podSpecIn(workload: JsonObject): JsonObject | undefined {
  return objectAt(objectAt(objectAt(workload, "spec"), "template"), "spec");
}

/** Of all its containers. */
export function argumentsIn(workload: JsonObject): readonly string[] {
  return objectsAt(podSpecIn(workload), "containers").flatMap((container) => stringsAt(container, "args"));
}

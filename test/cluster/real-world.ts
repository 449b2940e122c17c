/** The scenarios' world on a real Kubernetes. */
import { createApiClient, type ApiClient } from "../scenarios/api-client.ts";
import { readKubeconfig } from "../scenarios/kubeconfig.ts";
import type { World } from "../scenarios/world.ts";
import type { Cluster } from "./cluster/cluster.ts";

export interface RealWorld extends World {
  readonly close: () => void;
}

/** `writesOfEachKind` is what the issue of ordinary writes asks for: enough that one stray call would show. */
export async function realWorld(cluster: Cluster, writesOfEachKind = 1_000): Promise<RealWorld> {
  await cluster.kubectl(["apply", "-f", "-"], { input: JSON.stringify(accessRules()) });
  const client: ApiClient = createApiClient(await readKubeconfig(cluster.info.kubeconfig));
  return {
    send: client.send,
    close: client.close,
    writesOfEachKind,
    webhookCalls: async () => webhookCallsIn(await cluster.metrics()),
  };
}

/** Sum of the API server's own counter over every webhook of ours. */
export function webhookCallsIn(metrics: string): number {
  let calls = 0;
  for (const line of metrics.split("\n")) {
    const found =
      /^apiserver_admission_webhook_request_total\{.*name="[a-z-]+\.nodelatch\.io".*\} (\S+)$/.exec(line);
    if (found !== null) calls += Number(found[1]);
  }
  return calls;
}

function accessRules(): object {
  const role = (name: string, rules: object[]) => ({
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRole",
    metadata: { name },
    rules,
  });
  const binding = (name: string, group: string, to: string) => ({
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: to },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: group }],
  });
  const verbs = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];
  return {
    apiVersion: "v1",
    kind: "List",
    items: [
      role("scenario-node-writers", [{ apiGroups: [""], resources: ["nodes", "nodes/status"], verbs }]),
      binding("scenario-node-writers", "node-writers", "scenario-node-writers"),
      // The chart's own role: the scenarios prove that it grants the override.
      binding("scenario-lock-breakers", "lock-breakers", "nodelatch-override"),
    ],
  };
}

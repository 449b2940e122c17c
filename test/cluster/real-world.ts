/** The scenarios' world on a real Kubernetes. */
import { createApiClient, type ApiClient } from "../scenarios/api-client.ts";
import { readKubeconfig } from "../scenarios/kubeconfig.ts";
import { leaver, type ChangingWorld } from "../scenarios/world.ts";
import type { Cluster } from "./cluster/cluster.ts";

export interface RealWorld extends ChangingWorld {
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
    leaverMayWrite: async (may) => {
      const input = JSON.stringify(leaverBinding());
      await cluster.kubectl([may ? "apply" : "delete", "-f", "-"], { input });
    },
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

const RBAC = "rbac.authorization.k8s.io";

function binding(name: string, subject: { kind: "Group" | "User"; name: string }, to: string): object {
  return {
    apiVersion: `${RBAC}/v1`,
    kind: "ClusterRoleBinding",
    metadata: { name },
    roleRef: { apiGroup: RBAC, kind: "ClusterRole", name: to },
    subjects: [{ apiGroup: RBAC, ...subject }],
  };
}

function leaverBinding(): object {
  return binding("scenario-leaver", { kind: "User", name: leaver.user }, "scenario-node-writers");
}

function accessRules(): object {
  const verbs = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];
  return {
    apiVersion: "v1",
    kind: "List",
    items: [
      {
        apiVersion: `${RBAC}/v1`,
        kind: "ClusterRole",
        metadata: { name: "scenario-node-writers" },
        rules: [{ apiGroups: [""], resources: ["nodes", "nodes/status"], verbs }],
      },
      binding("scenario-node-writers", { kind: "Group", name: "node-writers" }, "scenario-node-writers"),
      leaverBinding(),
      // The chart's own role: the scenarios prove that it grants the override.
      binding("scenario-lock-breakers", { kind: "Group", name: "lock-breakers" }, "nodelatch-override"),
    ],
  };
}

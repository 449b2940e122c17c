/** A workload that a drain has to take away, and that comes back only once the node takes pods again. */
import type { Cluster } from "../cluster/cluster/cluster.ts";
import { busyboxImage } from "../cluster/config/machine.ts";

const SPACE = "kured-app";
const LABELS = { app: "app" };

export async function createApp(cluster: Cluster): Promise<void> {
  await cluster.kubectl(["create", "namespace", SPACE]);
  await apply(cluster, deployment());
  await cluster.kubectl(["rollout", "status", "-n", SPACE, "deployment/app", "--timeout=60s"]);
}

export async function deleteApp(cluster: Cluster): Promise<void> {
  await cluster.tryKubectl(["delete", "namespace", SPACE, "--timeout=60s"]);
}

/** A disruption budget that lets no pod of it go. */
export async function keepApp(cluster: Cluster): Promise<void> {
  const spec = { minAvailable: 1, selector: { matchLabels: LABELS } };
  await apply(cluster, {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name: "app" },
    spec,
  });
}

/** Names of its pods that run. */
export async function runningApp(cluster: Cluster): Promise<string> {
  const path = '-o=jsonpath={.items[?(@.status.phase=="Running")].metadata.name}';
  return cluster.kubectl(["get", "pods", "-n", SPACE, path]);
}

async function apply(cluster: Cluster, object: object): Promise<void> {
  await cluster.kubectl(["apply", "-n", SPACE, "-f", "-"], { input: JSON.stringify(object) });
}

function deployment(): object {
  const container = {
    name: "app",
    image: busyboxImage,
    imagePullPolicy: "Never",
    command: ["sleep", "1000000"],
  };
  const spec = { terminationGracePeriodSeconds: 0, containers: [container] };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "app" },
    spec: {
      replicas: 1,
      selector: { matchLabels: LABELS },
      template: { metadata: { labels: LABELS }, spec },
    },
  };
}

/** Nodelatch on the real cluster, installed as its users do: by helm. */
import { fileURLToPath } from "node:url";
import type { Cluster } from "./cluster/cluster.ts";
import { waitFor } from "./process/wait-for.ts";

export const NAMESPACE = "nodelatch-system";
export const RELEASE = "nodelatch";
export const WEBHOOK = "deployment/nodelatch-webhook";
export const AGENT = "daemonset/nodelatch-agent";
export const CHART = fileURLToPath(new URL("../../charts/nodelatch", import.meta.url));

/** The image is side-loaded; locks may be as short as the scenarios need them. */
const TEST_VALUES = ["image.pullPolicy=Never", "lock.minTTL=1s", "webhook.drainSeconds=5"];

/**
 * `helm upgrade --install` with the test's values, until every pod of the webhook is ready. Without the agent unless
 * `values` say otherwise: most tests are about the webhook alone, and quicker so.
 */
export async function installNodelatch(cluster: Cluster, values: readonly string[] = []): Promise<void> {
  await upgrade(cluster, ["agent.enabled=false", ...values]);
}

/** Nothing is said of the agent, as by most users. */
export async function installAsByDefault(cluster: Cluster): Promise<void> {
  await upgrade(cluster, []);
}

async function upgrade(cluster: Cluster, values: readonly string[]): Promise<void> {
  const set = [...TEST_VALUES, ...values].flatMap((value) => ["--set", value]);
  await cluster.helm(
    [
      "upgrade",
      "--install",
      RELEASE,
      CHART,
      "-n",
      NAMESPACE,
      "--create-namespace",
      "--wait",
      "--timeout=180s",
      ...set,
    ],
    { timeoutMillis: 200_000 },
  );
  await waitUntilAnswering(cluster);
}

/**
 * Until the API server has the CA and its calls arrive: a configuration takes it up to 2 s (kured-observed.md 3). After a
 * boot during which the API server was away it may be minutes: where its authorizer is not ready yet as kubelet
 * first asks, kubelet tells of the pods' new addresses only with its next sync of them, 60 to 90 s later.
 */
export async function waitUntilAnswering(cluster: Cluster): Promise<void> {
  const probe = {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name: "nodelatch-probe",
      annotations: { "nodelatch.io/reboot-lock": '{"ttl":"no duration"}' },
    },
  };
  await waitFor(
    "the latch to refuse a bad lock",
    async () => {
      const create = ["create", "-f", "-", "--dry-run=server"];
      const { stderr } = await cluster.tryKubectl(create, { input: JSON.stringify(probe) });
      return stderr.includes('ttl="no duration"')
        ? { done: true, value: undefined }
        : { done: false, seen: stderr.trim() };
    },
    { deadlineMillis: 300_000 },
  );
}

/** Until every pod of it is of the newest version and ready; the outer deadline is for a kubectl that hangs. */
export async function rolledOut(cluster: Cluster, workload: string, timeoutSeconds: number): Promise<void> {
  const status = ["rollout", "status", "-n", NAMESPACE, workload, `--timeout=${timeoutSeconds}s`];
  await cluster.kubectl(status, { timeoutMillis: (timeoutSeconds + 10) * 1_000 });
}

export async function scaleWebhook(cluster: Cluster, replicas: number): Promise<void> {
  await cluster.kubectl(["scale", "-n", NAMESPACE, WEBHOOK, `--replicas=${replicas}`]);
  if (replicas > 0) return rolledOut(cluster, WEBHOOK, 300);
  const selector = "app.kubernetes.io/name=nodelatch,app.kubernetes.io/component=webhook";
  // As long as kubelet may take to hear of it once the API server was away; see waitUntilAnswering().
  // Not by force: that removes the objects while the containers still answer on the API server's open connections.
  await podsGone(cluster, selector);
}

/** Until no pod of the namespace is left, or none with these labels. `kubectl wait` fails where none was there at all. */
export async function podsGone(cluster: Cluster, selector = ""): Promise<void> {
  await waitFor(
    "the pods to be gone",
    async () => {
      const seen = await cluster.kubectl(["get", "pods", "-n", NAMESPACE, "-l", selector, "-o", "name"]);
      return seen.trim() === "" ? { done: true, value: undefined } : { done: false, seen };
    },
    { deadlineMillis: 300_000, intervalMillis: 500 },
  );
}

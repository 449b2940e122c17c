import type { Cluster } from "./cluster/cluster.ts";
import { busyboxImage } from "./config/machine.ts";
import { waitFor } from "./process/wait-for.ts";

/** A pod whose one container ends as soon as somebody makes /tmp/end in it. Does not wait for its start. */
export async function createPod(cluster: Cluster, namespace: string, name: string): Promise<void> {
  const container = {
    name: "app",
    image: busyboxImage,
    imagePullPolicy: "Never",
    command: ["sh", "-c", "while [ ! -e /tmp/end ]; do sleep 0.2; done"],
  };
  const spec = { terminationGracePeriodSeconds: 0, containers: [container] };
  const pod = { apiVersion: "v1", kind: "Pod", metadata: { name }, spec };
  await waitFor(
    "the namespace's ServiceAccount",
    async () => {
      const get = ["get", "serviceaccount", "default", "-n", namespace];
      const { code, stderr } = await cluster.tryKubectl(get);
      return code === 0 ? { done: true, value: undefined } : { done: false, seen: stderr };
    },
    { deadlineMillis: 90_000 },
  );
  await cluster.kubectl(["apply", "-n", namespace, "-f", "-"], { input: JSON.stringify(pod) });
}

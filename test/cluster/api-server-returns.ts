import type { Cluster } from "./cluster/cluster.ts";

/**
 * Starts the API server again, and the node's kubelet anew. A kubelet that goes on waits longer before each next try to
 * watch its pods, and the API server's return doesn't end that wait: after five stops within minutes it saw a new pod 11,
 * 44, 52, 97 and 75 s late, a new kubelet each time after 1.2 s. Its containers run on. Where the kubelet's own way
 * through the outage is what a test is about, start the API server alone, and wait for minutes.
 */
export async function apiServerReturns(cluster: Cluster, node: string): Promise<void> {
  await cluster.startApiServer();
  await cluster.service(node, "kubelet", "stop");
  await cluster.service(node, "kubelet", "start");
}

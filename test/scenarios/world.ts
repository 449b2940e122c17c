/**
 * Where the scenarios run: the embedded API server or a real Kubernetes, each with the real webhook behind it.
 * The scenarios know nothing else, so that both are held to the same words.
 */
import type { ApiAnswer, ApiRequest, Identity } from "./api-client.ts";

export interface World {
  readonly send: (request: ApiRequest) => Promise<ApiAnswer>;
  /** Calls of Nodelatch's webhooks so far, by the API server's own count. */
  readonly webhookCalls: () => Promise<number>;
  /** How many of each ordinary write the quiet scenarios send. */
  readonly writesOfEachKind: number;
}

// The world's access rules: `node-writers` may do everything with nodes, `lock-breakers` also hold the verb override.
export const alice: Identity = { user: "alice", groups: ["node-writers", "system:authenticated"] };
export const bob: Identity = { user: "bob", groups: ["node-writers", "system:authenticated"] };
export const breaker: Identity = {
  user: "carol",
  groups: ["node-writers", "lock-breakers", "system:authenticated"],
};
export const clusterAdmin: Identity = { user: "root", groups: ["system:masters", "system:authenticated"] };
export const autoscaler: Identity = {
  user: "system:serviceaccount:kube-system:cluster-autoscaler",
  groups: ["node-writers", "system:serviceaccounts", "system:authenticated"],
};

export function kubelet(node: string): Identity {
  return { user: `system:node:${node}`, groups: ["system:nodes", "system:authenticated"] };
}

/** A tool's pod on a node: its bound token carries the node's name. */
export function toolPod(node: string): Identity {
  return {
    user: "system:serviceaccount:kube-system:reboot-tool",
    groups: ["node-writers", "system:serviceaccounts", "system:authenticated"],
    node,
  };
}

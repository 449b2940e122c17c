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

/** A world in which one user's rights can be withdrawn. */
export interface ChangingWorld extends World {
  /** Whether `leaver` may do everything with nodes, as at first. In force when a request of his says so, not before. */
  readonly leaverMayWrite: (may: boolean) => Promise<void>;
}

// The world's access rules: `node-writers` may do everything with nodes, `lock-breakers` also hold the verb override.
export const alice: Identity = { user: "alice", groups: ["node-writers", "system:authenticated"] };
export const bob: Identity = { user: "bob", groups: ["node-writers", "system:authenticated"] };
/** Has his right by himself, not from a group: what is withdrawn from him counts for requests that are kept, too. */
export const leaver: Identity = { user: "leaver", groups: ["system:authenticated"] };
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

/** The agent's pod on a node. */
export function agentOn(node: string): Identity {
  return {
    user: "system:serviceaccount:nodelatch-system:nodelatch-agent",
    groups: ["node-writers", "system:serviceaccounts", "system:authenticated"],
    node,
  };
}

/** A tool's pod on a node: its bound token carries the node's name. */
export function toolPod(node: string): Identity {
  return {
    user: "system:serviceaccount:kube-system:reboot-tool",
    groups: ["node-writers", "system:serviceaccounts", "system:authenticated"],
    node,
  };
}

/** The API server as the agent sees it. Loaded only when it is first needed. */
import { randomBytes } from "node:crypto";
import { apiPath, type KubeConnection } from "../kube/call.ts";
import { failureOf } from "../kube/failure.ts";
import { askGate } from "../kube/gate-facts.ts";
import { objectAt, textAt, textsAt } from "../kube/json.ts";
import { connectInCluster, connectKubeconfig } from "../kube/lean/connect.ts";
import { makeNodeEvents } from "../kube/node-events.ts";
import type { GateApi } from "./gate/gate.ts";
import type { AgentApi } from "./publisher.ts";

export interface KubeApiOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** "" = the pod's ServiceAccount. */
  readonly kubeconfig: string;
  readonly nodeName: string;
  /** For Events: the pod's name. */
  readonly instance: string;
}

/** @throws Error if there are no credentials. */
export async function connectKubeApi({ nodeName, instance, ...access }: KubeApiOptions): Promise<AgentApi> {
  return agentApi(await connect(access), { nodeName, instance });
}

/** RBAC: get nodes (its own), list pods. @throws Error if there are no credentials. */
export async function connectGateApi({
  nodeName,
  ...access
}: Omit<KubeApiOptions, "instance">): Promise<GateApi> {
  const kube = await connect(access);
  return {
    judge: async ({ bootID, holder }, signal) =>
      askGate(kube, { nodeName, runningBootID: bootID, holder, wallMillis: () => Date.now(), signal }),
    close: async () => kube.close(),
  };
}

async function connect({
  env,
  kubeconfig,
}: Pick<KubeApiOptions, "env" | "kubeconfig">): Promise<KubeConnection> {
  return kubeconfig === "" ? connectInCluster({ env }) : connectKubeconfig(kubeconfig);
}

/** RBAC: get and patch nodes (its own), create and patch events in namespace default. */
export function agentApi(
  kube: KubeConnection,
  { nodeName, instance }: Pick<KubeApiOptions, "nodeName" | "instance">,
): AgentApi {
  const events = makeNodeEvents(kube, {
    component: "nodelatch-agent",
    instance,
    wallMillis: () => Date.now(),
    monotonicMillis: () => performance.now(),
    randomSuffix: () => randomBytes(6).toString("hex"),
  });
  return {
    async nodeUID(signal) {
      const doing = `read Node ${nodeName}`;
      const path = apiPath("api", "v1", "nodes", nodeName);
      let node: unknown;
      try {
        node = await kube.request({ doing, method: "GET", path, signal });
      } catch (thrown) {
        const { kind } = failureOf(thrown);
        // The API server is there; Events then name the Node by its name.
        if (kind === "forbidden" || kind === "not-found") return "";
        throw thrown;
      }
      const uid = textAt(objectAt(node, "metadata"), "uid");
      if (uid === undefined) throw new Error(`${doing}: the answer has no metadata.uid`);
      return uid;
    },
    post: async ({ type, reason, message }, nodeUid, signal) =>
      events.post({ nodeName, nodeUid, type, reason, message }, signal),
    async annotate(key, value, signal) {
      const doing = `annotate Node ${nodeName} with ${key}`;
      const path = apiPath("api", "v1", "nodes", nodeName);
      const node = await kube.request({ doing, method: "GET", path, signal });
      if (textsAt(objectAt(node, "metadata"), "annotations").get(key) === value) return;
      await kube.request({
        doing,
        method: "PATCH",
        path,
        body: { metadata: { annotations: { [key]: value } } },
        contentType: "application/merge-patch+json",
        repeatable: true,
        signal,
      });
    },
    close: async () => kube.close(),
  };
}

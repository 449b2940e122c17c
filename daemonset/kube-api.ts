/** The API server as the agent sees it. Loaded only when it is first needed. */
import { randomBytes } from "node:crypto";
import { apiPath, type KubeConnection } from "../kube/call.ts";
import { steadyMillis } from "../kube/clock-offset.ts";
import { failureOf } from "../kube/failure.ts";
import { askGate } from "../kube/gate-facts.ts";
import { isObject, objectAt, textAt, textsAt } from "../kube/json.ts";
import { connectInCluster, connectKubeconfig } from "../kube/lean/connect.ts";
import { makeNodeEvents } from "../kube/node-events.ts";
import { LOCK_ANNOTATION } from "../lock/node.ts";
import type { GateApi } from "./gate/gate.ts";
import type { AgentApi } from "./publisher.ts";
import type { ReleaseResult, ReleaseWrite } from "./release/release.ts";

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
      askGate(kube, { nodeName, runningBootID: bootID, holder, wallMillis: steadyMillis, signal }),
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
  const serverMillis = (): number => steadyMillis() + kube.clockOffsetMillis();
  const events = makeNodeEvents(kube, {
    component: "nodelatch-agent",
    instance,
    wallMillis: serverMillis,
    monotonicMillis: () => performance.now(),
    randomSuffix: () => randomBytes(6).toString("hex"),
  });
  const path = apiPath("api", "v1", "nodes", nodeName);
  return {
    async readNode(signal) {
      const doing = `read Node ${nodeName}`;
      let raw: unknown;
      try {
        raw = await kube.request({ doing, method: "GET", path, signal });
      } catch (thrown) {
        const { kind } = failureOf(thrown);
        // The API server is there; Events then name the Node by its name.
        if (kind === "forbidden" || kind === "not-found") return undefined;
        throw thrown;
      }
      const uid = textAt(objectAt(raw, "metadata"), "uid");
      if (uid === undefined) throw new Error(`${doing}: the answer has no metadata.uid`);
      return { uid, raw, atMillis: serverMillis() };
    },
    release: async (write, signal) => release(kube, nodeName, write, signal),
    post: async ({ type, reason, message }, nodeUid, signal) =>
      events.post({ nodeName, nodeUid, type, reason, message }, signal),
    async annotate(key, value, signal) {
      const doing = `annotate Node ${nodeName} with ${key}`;
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

async function release(
  kube: KubeConnection,
  nodeName: string,
  { uid, resourceVersion, uncordon }: ReleaseWrite,
  signal: AbortSignal,
): Promise<ReleaseResult> {
  const doing = `release the reboot lock of Node ${nodeName}`;
  let answer: unknown;
  try {
    answer = await kube.request({
      doing,
      method: "PATCH",
      path: apiPath("api", "v1", "nodes", nodeName),
      body: {
        metadata: { uid, resourceVersion, annotations: { [LOCK_ANNOTATION]: null } },
        ...(uncordon ? { spec: { unschedulable: null } } : {}),
      },
      contentType: "application/merge-patch+json",
      signal,
    });
  } catch (thrown) {
    if (failureOf(thrown).kind === "conflict") return { kind: "conflict" };
    throw thrown;
  }
  const metadata = objectAt(answer, "metadata");
  if (metadata === undefined) throw new Error(`${doing}: the answer is no Node`);
  const annotations = metadata["annotations"];
  // Somebody's admission webhook may put back what a request takes away.
  if (isObject(annotations) && annotations[LOCK_ANNOTATION] !== undefined) {
    throw new Error(`${doing}: the API server took the request, but the lock is still there`);
  }
  return { kind: "released", cordoned: objectAt(answer, "spec")?.["unschedulable"] === true };
}

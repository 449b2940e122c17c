/** kured's world on a real Kubernetes: a real DaemonSet, and tokens bound to its pods. */
import { KURED_NAMESPACE } from "../kured/options.ts";
import { fieldsOf, type Send } from "../kured/requests.ts";
import { KURED_LABEL, type KuredWorld } from "../kured/world.ts";
import { createApiClient, type ApiAnswer, type ApiClient } from "../scenarios/api-client.ts";
import type { Cluster } from "./cluster/cluster.ts";
import { busyboxImage } from "./config/machine.ts";
import { waitFor } from "./process/wait-for.ts";

const DAEMONSETS = `/apis/apps/v1/namespaces/${KURED_NAMESPACE}/daemonsets`;
const PODS = `/api/v1/namespaces/${KURED_NAMESPACE}/pods`;
const ACCOUNT = `/api/v1/namespaces/${KURED_NAMESPACE}/serviceaccounts/kured`;

/** Of a pod of the DaemonSet. */
export const KURED_CONTAINER = "kured";

export interface RealKuredWorld extends KuredWorld {
  readonly close: () => void;
}

/** @param send as the administrator. */
export async function realKuredWorld(cluster: Cluster, send: Send): Promise<RealKuredWorld> {
  const { caPem } = await cluster.adminCredentials();
  const clients: ApiClient[] = [];

  async function must(request: Parameters<Send>[0]): Promise<ApiAnswer> {
    const answer = await send(request);
    if (answer.status < 300) return answer;
    throw new Error(`${request.method} ${request.path}: ${JSON.stringify(answer.body)}`);
  }

  /** With a token of the pod that the DaemonSet has on the node now, or with one that is bound to nothing. */
  async function connect(daemonSet: string, node: string, bound: boolean): Promise<ApiClient> {
    const pod = await waitFor(`kured's pod on ${node}`, async () => podOn(daemonSet, node), {
      deadlineMillis: 60_000,
    });
    const boundObjectRef = { kind: "Pod", apiVersion: "v1", ...pod };
    const spec = { expirationSeconds: 3_600, ...(bound ? { boundObjectRef } : {}) };
    const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec };
    const answer = await must({ method: "POST", path: `${ACCOUNT}/token`, body });
    const { token } = fieldsOf(fieldsOf(answer.body)["status"]);
    if (typeof token !== "string") throw new Error(`${ACCOUNT}/token: no token in the answer`);
    const client = createApiClient({ url: cluster.info.server, caPem, token });
    clients.push(client);
    return client;
  }

  async function podOn(daemonSet: string, node: string) {
    const selector = `fieldSelector=spec.nodeName%3D${node}&labelSelector=name%3D${daemonSet}`;
    const { items } = fieldsOf((await must({ method: "GET", path: `${PODS}?${selector}` })).body);
    const [pod] = Array.isArray(items) ? items.map((item) => fieldsOf(fieldsOf(item)["metadata"])) : [];
    return pod === undefined
      ? ({ done: false, seen: "none" } as const)
      : ({ done: true, value: { name: pod["name"], uid: pod["uid"] } } as const);
  }

  return {
    send,
    close: () => {
      for (const client of clients) client.close();
    },
    createDaemonSet: async (name) => {
      await must({ method: "POST", path: DAEMONSETS, body: daemonSet(name) });
    },
    deleteDaemonSet: async (name) => {
      await must({ method: "DELETE", path: `${DAEMONSETS}/${name}` });
    },
    podSend: async (daemonSet, node, bound) => {
      let client = await connect(daemonSet, node, bound);
      return async (request) => {
        const answer = await client.send(request);
        if (answer.status !== 401) return answer;
        // Its pod is gone, and so is the token's worth; the next pod has another.
        client = await connect(daemonSet, node, bound);
        return client.send(request);
      };
    },
  };
}

/** A pod that lends its identity and its way to the host, which are those of kured's manifest (kured-ds.yaml). */
function daemonSet(name: string): object {
  const labels = { name };
  const container = {
    name: KURED_CONTAINER,
    image: busyboxImage,
    imagePullPolicy: "Never",
    command: ["sleep", "1000000"],
    securityContext: { privileged: true, readOnlyRootFilesystem: true },
    env: [{ name: "KURED_NODE_ID", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } }],
  };
  const spec = {
    serviceAccountName: "kured",
    hostPID: true,
    nodeSelector: { [KURED_LABEL]: name },
    tolerations: [{ operator: "Exists" }],
    terminationGracePeriodSeconds: 0,
    containers: [container],
  };
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name },
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  };
}

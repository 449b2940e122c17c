/**
 * kured's world on the embedded API server, which has neither DaemonSets nor evictions: those requests of kured's pods
 * are answered here, from memory. kured's user is impersonated, with its pod's node.
 */
import type { ApiAnswer, ApiRequest, Identity } from "../scenarios/api-client.ts";
import { KURED_USER } from "./options.ts";
import { fieldsOf, type Fields, type Send } from "./requests.ts";
import type { KuredWorld } from "./world.ts";

export function embeddedWorld(send: Send): KuredWorld {
  const daemonSets = new Map<string, Fields>();

  function daemonSet({ method, path, body }: ApiRequest): ApiAnswer {
    const name = path.slice(path.lastIndexOf("/") + 1);
    const stored = daemonSets.get(name);
    if (stored === undefined) return status(404, `daemonsets.apps "${name}" not found`);
    if (method !== "PUT") return { status: 200, body: stored, warnings: [] };
    const metadata = fieldsOf(fieldsOf(body)["metadata"]);
    const version = versionOf(stored);
    if (metadata["resourceVersion"] !== `${version}`) return status(409, `the object has been modified`);
    const next = { ...fieldsOf(body), metadata: { ...metadata, resourceVersion: `${version + 1}` } };
    daemonSets.set(name, next);
    return { status: 200, body: next, warnings: [] };
  }

  return {
    send,
    async createDaemonSet(name) {
      daemonSets.set(name, { kind: "DaemonSet", metadata: { name, resourceVersion: "1" } });
      return Promise.resolve();
    },
    async deleteDaemonSet(name) {
      daemonSets.delete(name);
      return Promise.resolve();
    },
    async podSend(_daemonSet, node, bound) {
      const as = kuredOn(bound ? node : undefined);
      return Promise.resolve(async (request: ApiRequest) => {
        if (request.path.includes("/daemonsets/")) return daemonSet(request);
        // Of kured's rights only those on nodes are in question here.
        if (request.path.startsWith("/api/v1/nodes/")) return send({ ...request, as });
        const pod = /^(.*)\/eviction$/.exec(request.path)?.[1];
        return send(pod === undefined ? request : { method: "DELETE", path: pod });
      });
    },
  };
}

function kuredOn(node: string | undefined): Identity {
  const groups = [
    "node-writers",
    "system:serviceaccounts",
    "system:serviceaccounts:kube-system",
    "system:authenticated",
  ];
  return { user: KURED_USER, groups, ...(node === undefined ? {} : { node }) };
}

function versionOf(stored: Fields): number {
  return Number(fieldsOf(stored["metadata"])["resourceVersion"]);
}

function status(code: number, message: string): ApiAnswer {
  return { status: code, body: { kind: "Status", message }, warnings: [] };
}

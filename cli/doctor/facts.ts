/** What the doctor looks at. Each look may fail by itself: that is a fact too. */
import { LOCK_ANNOTATION, parseNode, type NodeView } from "../../lock/node.ts";
import { lockOn } from "../../lock/record.ts";
import { apiPath, type KubeConnection } from "../../kube/call.ts";
import { failureOf } from "../../kube/failure.ts";
import { isObject, objectAt, objectsAt, textAt, textsAt, type JsonObject } from "../../kube/json.ts";
import { listAll } from "../lists.ts";
import { Holders } from "../status/holders.ts";
import { nodeStateOf, type NodeState } from "../status/node-state.ts";

export type Fact<T> =
  | { readonly kind: "known"; readonly value: T }
  | { readonly kind: "unknown"; readonly why: string; readonly isForbidden: boolean };

export interface PodFact {
  readonly name: string;
  readonly component: string;
  readonly node: string;
  readonly version: string;
  readonly ready: boolean;
}

/** What a dry run of a request came to. */
export type Trial =
  | { readonly kind: "none"; readonly why: string }
  | { readonly kind: "stamped" | "unstamped" | "allowed"; readonly node: string }
  | {
      readonly kind: "refused";
      readonly node: string;
      readonly by: "guard" | "other";
      readonly text: string;
    };

/** Never rejects, except where the caller gave up. */
export async function look<T>(signal: AbortSignal, work: () => Promise<T>): Promise<Fact<T>> {
  try {
    return { kind: "known", value: await work() };
  } catch (thrown) {
    signal.throwIfAborted();
    const { sentence, kind } = failureOf(thrown);
    return { kind: "unknown", why: sentence, isForbidden: kind === "forbidden" };
  }
}

/** undefined if there is none. @throws KubeError for any other failure. */
export async function readObject(
  kube: KubeConnection,
  path: string,
  signal: AbortSignal,
): Promise<JsonObject | undefined> {
  try {
    const object = await kube.request({ doing: `read ${path}`, method: "GET", path, signal });
    return isObject(object) ? object : undefined;
  } catch (thrown) {
    if (failureOf(thrown).kind === "not-found") return undefined;
    throw thrown;
  }
}

export async function listPods(
  kube: KubeConnection,
  namespace: string,
  signal: AbortSignal,
): Promise<readonly PodFact[]> {
  const pods = await listAll(kube, {
    doing: `list Pods in namespace ${namespace}`,
    path: apiPath("api", "v1", "namespaces", namespace, "pods"),
    kind: "PodList",
    query: { labelSelector: "app.kubernetes.io/name=nodelatch" },
    signal,
  });
  return pods.map((pod) => {
    const labels = textsAt(objectAt(pod, "metadata"), "labels");
    return {
      name: textAt(objectAt(pod, "metadata"), "name") ?? "",
      component: labels.get("app.kubernetes.io/component") ?? "",
      version: labels.get("app.kubernetes.io/version") ?? "",
      node: textAt(objectAt(pod, "spec"), "nodeName") ?? "",
      ready: objectsAt(objectAt(pod, "status"), "conditions").some(
        (one) => textAt(one, "type") === "Ready" && textAt(one, "status") === "True",
      ),
    };
  });
}

/** All nodes with their locks' holders. @param clock the API server's, once it has answered. */
export async function listNodes(
  kube: KubeConnection,
  clock: () => number,
  signal: AbortSignal,
): Promise<readonly NodeState[]> {
  const path = apiPath("api", "v1", "nodes");
  const nodes = await listAll(kube, { doing: "list Nodes", path, kind: "NodeList", signal });
  const locks = nodes.map((node) => lockOn(parseNode(node, "the node")));
  const records = locks.flatMap((lock) => (lock?.kind === "record" ? [lock.record] : []));
  const holderOf = await new Holders(kube, clock).of(records, signal);
  return nodes.map((node) => nodeStateOf(node, { lastRefusal: undefined, holderOf, nowMillis: clock() }));
}

/** Takes a lock in a dry run, which stores nothing: stamped by the webhook, or left as it was by a latch that is away. */
export async function tryLock(
  kube: KubeConnection,
  nodes: readonly NodeView[],
  signal: AbortSignal,
): Promise<Trial> {
  const node = nodes.find((one) => lockOn(one) === undefined && !one.deleting);
  if (node === undefined) return { kind: "none", why: "every node is locked" };
  const body = { metadata: { annotations: { [LOCK_ANNOTATION]: "doctor" } } };
  const after = await dryRun(kube, node.name, body, signal);
  if (typeof after === "string") return { kind: "refused", node: node.name, by: byWhom(after), text: after };
  return { kind: lockOn(after)?.kind === "record" ? "stamped" : "unstamped", node: node.name };
}

/** Uncordons a node of somebody else's lock in a dry run: the guard must refuse. */
export async function tryUncordon(
  kube: KubeConnection,
  nodes: readonly NodeView[],
  me: string,
  signal: AbortSignal,
): Promise<Trial> {
  const node = nodes.find((one) => {
    const lock = lockOn(one);
    const isOthers =
      lock?.kind === "record" && lock.record.holder !== me && lock.record.expiresAt === undefined;
    return isOthers && one.unschedulable && !one.deleting;
  });
  if (node === undefined)
    return { kind: "none", why: "no cordoned node is locked by somebody else without expiry" };
  const after = await dryRun(kube, node.name, { spec: { unschedulable: null } }, signal);
  if (typeof after === "string") return { kind: "refused", node: node.name, by: byWhom(after), text: after };
  return { kind: "allowed", node: node.name };
}

/** The node as it would be, or the sentence of a refusal. @throws KubeError for any other failure. */
async function dryRun(
  kube: KubeConnection,
  name: string,
  body: unknown,
  signal: AbortSignal,
): Promise<NodeView | string> {
  const path = apiPath("api", "v1", "nodes", name);
  const contentType = "application/merge-patch+json";
  const call = { doing: `try a change of Node ${name}`, method: "PATCH", path, contentType, body } as const;
  try {
    return parseNode(await kube.request({ ...call, query: { dryRun: "All" }, signal }), "the answer");
  } catch (thrown) {
    const { kind, sentence } = failureOf(thrown);
    // A webhook that can't be called with failurePolicy Fail is a 500 with that sentence.
    if (sentence.includes("nodelatch.io")) return sentence;
    if (kind === "forbidden") return sentence;
    throw thrown;
  }
}

function byWhom(sentence: string): "guard" | "other" {
  return /admission webhook "\w+\.nodelatch\.io" denied/.test(sentence) ? "guard" : "other";
}

/** The user that the API server takes us for; "" if it does not say. */
export async function whoAmI(kube: KubeConnection, signal: AbortSignal): Promise<string> {
  const body = { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" };
  const path = apiPath("apis", "authentication.k8s.io", "v1", "selfsubjectreviews");
  const answer = await kube.request({
    doing: "ask who we are",
    method: "POST",
    path,
    body,
    repeatable: true,
    signal,
  });
  return textAt(objectAt(objectAt(answer, "status"), "userInfo"), "username") ?? "";
}

export interface Right {
  /** What it is needed for. */
  readonly for: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export const RIGHTS: readonly Right[] = [
  { for: "status", attributes: { resource: "nodes", verb: "list" } },
  { for: "lock and unlock", attributes: { resource: "nodes", verb: "patch" } },
  { for: "verify", attributes: { resource: "pods", verb: "list" } },
  { for: "history", attributes: { resource: "events", verb: "list", namespace: "default" } },
  { for: "unlock --force", attributes: { group: "nodelatch.io", resource: "rebootlocks", verb: "override" } },
];

export async function mayI(kube: KubeConnection, right: Right, signal: AbortSignal): Promise<boolean> {
  const body = {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SelfSubjectAccessReview",
    spec: { resourceAttributes: right.attributes },
  };
  const path = apiPath("apis", "authorization.k8s.io", "v1", "selfsubjectaccessreviews");
  const answer = await kube.request({
    doing: "ask what we may do",
    method: "POST",
    path,
    body,
    repeatable: true,
    signal,
  });
  return objectAt(answer, "status")?.["allowed"] === true;
}

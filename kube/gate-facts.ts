/**
 * Asks the API server whether a node may reboot now: live GETs only, never a cache or a watch, as a node that was
 * uncordoned a moment ago must not be taken for a cordoned one (reboot-locks.md 5, limits).
 */
import { parseGatePod, type GatePod } from "../lock/gate-pod.ts";
import { judgeGate, type GateVerdict } from "../lock/gate.ts";
import { LOCK_ANNOTATION, parseNode, type NodeView } from "../lock/node.ts";
import { apiPath, type KubeConnection } from "./call.ts";
import { failureOf, KubeError } from "./failure.ts";
import { isObject, objectAt, textAt } from "./json.ts";

export interface GateQuestion {
  readonly nodeName: string;
  /** The boot ID of the running kernel; undefined where only the node's own report can be asked. */
  readonly runningBootID: string | undefined;
  /** Whose lock it must be; undefined: anybody's. */
  readonly holder?: string | undefined;
  readonly wallMillis: () => number;
  readonly timeoutMillis?: number;
  readonly signal: AbortSignal;
}

type Kube = Pick<KubeConnection, "request" | "clockOffsetMillis">;

/** A node has 110 pods by default and rarely more than 500; one page of them stays far below what we read at most. */
const PAGE = 200;
const MOST_PAGES = 20;
/** The node changes in what decides while it is looked at: once is a coincidence, three times is no answer. */
const MOST_LOOKS = 3;

/**
 * RBAC: `get` on the node, `list` on pods in all namespaces.
 * @throws KubeError if there was no usable answer: the gate then stays shut.
 */
export async function askGate(kube: Kube, question: GateQuestion): Promise<GateVerdict> {
  const { nodeName } = question;
  let before = await readNode(kube, question);
  for (let look = 1; before !== undefined && look <= MOST_LOOKS; look += 1) {
    const pods = await listPods(kube, question);
    // Once more: pods were listed after the cordon only if it was there before and is still there now.
    const after = await readNode(kube, question);
    if (after !== undefined && same(before, after)) {
      const bootID = question.runningBootID ?? after.bootID;
      const nowMillis = question.wallMillis() + kube.clockOffsetMillis();
      return judgeGate({ node: after, pods, bootID, holder: question.holder, nowMillis });
    }
    before = after;
  }
  if (before !== undefined) {
    const sentence = `lock or cordon changed each time in ${MOST_LOOKS} looks`;
    throw new KubeError(`look at Node ${nodeName}`, { kind: "conflict", sentence });
  }
  const text = `node ${nodeName} does not exist`;
  return { kind: "closed", reasons: [{ rule: "no-node", text, mayPass: false }], mayOpen: false };
}

async function readNode(kube: Kube, question: GateQuestion): Promise<NodeView | undefined> {
  const doing = `read Node ${question.nodeName}`;
  const path = apiPath("api", "v1", "nodes", question.nodeName);
  try {
    const node = parsed(doing, parseNode, await get(kube, question, doing, path));
    if (node.name === question.nodeName) return node;
    throw new KubeError(doing, { kind: "garbage", sentence: `the answer is of node "${node.name}"` });
  } catch (thrown) {
    if (failureOf(thrown).kind === "not-found") return undefined;
    throw thrown;
  }
}

async function listPods(kube: Kube, question: GateQuestion): Promise<readonly GatePod[]> {
  const { nodeName } = question;
  const doing = `list the Pods on node ${nodeName}`;
  const pods: GatePod[] = [];
  let next = "";
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const list = await get(kube, question, doing, apiPath("api", "v1", "pods"), {
      // No resourceVersion: the newest state, by agreement of the store, and not the API server's cache.
      fieldSelector: `spec.nodeName=${nodeName}`,
      limit: `${PAGE}`,
      ...(next === "" ? {} : { continue: next }),
    });
    const items = isObject(list) && textAt(list, "kind") === "PodList" ? (list["items"] ?? []) : undefined;
    if (!Array.isArray(items)) {
      throw new KubeError(doing, { kind: "garbage", sentence: "the answer is no PodList" });
    }
    for (const [index, item] of items.entries()) {
      pods.push(
        parsed(doing, (raw: unknown, where) => parseGatePod(raw, nodeName, where), item, `items[${index}]`),
      );
    }
    next = textAt(objectAt(list, "metadata"), "continue") ?? "";
    if (next === "") return pods;
  }
  throw new KubeError(doing, { kind: "garbage", sentence: `more than ${PAGE * MOST_PAGES} pods` });
}

async function get(
  kube: Kube,
  { signal, timeoutMillis }: GateQuestion,
  doing: string,
  path: string,
  query: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const timeout = timeoutMillis === undefined ? {} : { timeoutMillis };
  return kube.request({ doing, method: "GET", path, query, signal, ...timeout });
}

function parsed<T>(
  doing: string,
  parse: (raw: unknown, where: string) => T,
  raw: unknown,
  where = "the answer",
): T {
  try {
    return parse(raw, where);
  } catch (cause) {
    const sentence = cause instanceof Error ? cause.message : "it can't be read";
    throw new KubeError(doing, { kind: "garbage", sentence }, cause);
  }
}

/** In all that decides; heartbeats change nothing of it. */
function same(one: NodeView, other: NodeView): boolean {
  return (
    one.uid === other.uid &&
    one.deleting === other.deleting &&
    one.unschedulable === other.unschedulable &&
    one.bootID === other.bootID &&
    one.annotations.get(LOCK_ANNOTATION) === other.annotations.get(LOCK_ANNOTATION)
  );
}

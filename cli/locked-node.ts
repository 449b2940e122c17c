/** Reading and writing the one Node that lock and unlock are about. */
import { LOCK_ANNOTATION, parseNode, type NodeView } from "../lock/node.ts";
import { annotationPointer } from "../kube/annotation-pointer.ts";
import { apiPath, type KubeCall, type KubeConnection } from "../kube/call.ts";
import { failureOf, KubeError } from "../kube/failure.ts";
import { EXIT, UserError } from "./exit-code.ts";
import { CALLED } from "./help.ts";

/** @throws UserError if there is no such node; KubeError for everything else that is no answer. */
export async function readNode(kube: KubeConnection, name: string, signal: AbortSignal): Promise<NodeView> {
  const doing = `read Node ${name}`;
  try {
    return viewOf(
      await kube.request({ doing, method: "GET", path: apiPath("api", "v1", "nodes", name), signal }),
      doing,
    );
  } catch (thrown) {
    throw noSuchNode(thrown, name);
  }
}

/** The node as the server holds it afterwards. @throws as readNode. */
export async function patchNode(
  kube: KubeConnection,
  name: string,
  patch: Pick<KubeCall, "doing" | "body" | "contentType">,
  signal: AbortSignal,
): Promise<NodeView> {
  try {
    const path = apiPath("api", "v1", "nodes", name);
    return viewOf(await kube.request({ ...patch, method: "PATCH", path, signal }), patch.doing);
  } catch (thrown) {
    throw noSuchNode(thrown, name);
  }
}

function viewOf(json: unknown, doing: string): NodeView {
  try {
    return parseNode(json, "the answer");
  } catch (cause) {
    const sentence = cause instanceof Error ? cause.message : "the answer is no Node";
    throw new KubeError(doing, { kind: "garbage", sentence }, cause);
  }
}

function noSuchNode(thrown: unknown, name: string): unknown {
  if (failureOf(thrown).kind !== "not-found") return thrown;
  return new UserError(`node ${name} does not exist; kubectl get nodes shows which do`, EXIT.refused, thrown);
}

/** The words of Nodelatch's own refusal, without those that the API server puts before them; undefined if it is none. */
export function refusalIn(thrown: unknown): string | undefined {
  return /admission webhook "\w+\.nodelatch\.io" denied the request: (.*)$/s.exec(
    failureOf(thrown).sentence,
  )?.[1];
}

/** The guard's words end with the bare kubectl way to break a lock; this has ours, which is shorter. */
export function withOurWay(refusal: string, node: string): string {
  const [said = refusal, way = ""] = refusal.split(/; (?=to break it: )/);
  return way === "" ? refusal : `${said}; to break it: ${CALLED} unlock ${node} --force --reason "<why>"`;
}

export const LOCK_POINTER = annotationPointer(LOCK_ANNOTATION);

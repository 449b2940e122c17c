/** Writes a refused uncordon onto its node, to be carried out when the lock goes. */
import { LOCK_ANNOTATION } from "../lock/node.ts";
import { UNCORDON_REQUESTED_ANNOTATION } from "../lock/requested-uncordon.ts";
import { annotationPointer } from "./annotation-pointer.ts";
import { apiPath, type KubeConnection } from "./call.ts";
import { failureOf } from "./failure.ts";

export interface UncordonToKeep {
  readonly nodeName: string;
  readonly nodeUID: string;
  /** The lock's value at the refusal. */
  readonly lock: string;
  /** What the annotation is to say. */
  readonly value: string;
}

/** gone: the node, or that lock on it, is no longer there, so that there is nothing to be kept for. */
export type KeepOutcome = "kept" | "gone";

/**
 * One write, and none where the lock has changed meanwhile: else the annotation could outlive its lock.
 * RBAC: `patch` on nodes.
 * @throws KubeError if the write did not work.
 */
export async function keepUncordon(
  kube: Pick<KubeConnection, "request">,
  { nodeName, nodeUID, lock, value }: UncordonToKeep,
  signal: AbortSignal,
): Promise<KeepOutcome> {
  try {
    await kube.request({
      doing: `keep a refused uncordon on Node ${nodeName}`,
      method: "PATCH",
      path: apiPath("api", "v1", "nodes", nodeName),
      contentType: "application/json-patch+json",
      body: [
        { op: "test", path: "/metadata/uid", value: nodeUID },
        { op: "test", path: annotationPointer(LOCK_ANNOTATION), value: lock },
        { op: "add", path: annotationPointer(UNCORDON_REQUESTED_ANNOTATION), value },
      ],
      signal,
      // The same value again changes nothing.
      repeatable: true,
    });
    return "kept";
  } catch (thrown) {
    const { kind, httpStatus } = failureOf(thrown);
    // 422 is all that the API server says of a failed `test`.
    if (kind === "not-found" || httpStatus === 422) return "gone";
    throw thrown;
  }
}

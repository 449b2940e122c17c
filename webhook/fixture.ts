/** Reviews of nodes for the tests of this folder. */
import type { NodeView } from "../lock/node.ts";
import type { Caller, NodeReview } from "./review.ts";

export function caller(username: string, node?: string): Caller {
  return {
    username,
    uid: "",
    groups: ["system:authenticated"],
    extra: node === undefined ? {} : { "authentication.kubernetes.io/node-name": [node] },
  };
}

export function updateOf(
  old: NodeView,
  node: NodeView,
  by: Caller,
  part: Partial<NodeReview> = {},
): NodeReview {
  return {
    apiVersion: "admission.k8s.io/v1",
    uid: "review-1",
    operation: "UPDATE",
    subresource: "",
    dryRun: false,
    caller: by,
    old,
    node,
    ...part,
  };
}

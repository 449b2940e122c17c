import type { Asker } from "../lock/record.ts";
import { askerFor, type Tools } from "../lock/tool.ts";
import type { Caller } from "./review.ts";

/** Set by the API server for pod-bound tokens (KEP-4193, stable in 1.32). */
const NODE_NAME_EXTRA = "authentication.kubernetes.io/node-name";

/** The caller as the lock sees it. A list of several node names names no node. */
export function askerOf(caller: Caller, tools: Tools): Asker {
  const nodes = caller.extra[NODE_NAME_EXTRA];
  return askerFor(caller.username, nodes?.length === 1 ? nodes[0] : undefined, tools);
}

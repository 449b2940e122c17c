/** The mutating webhook `latch.nodelatch.io`: turns the decision of lock/latch.ts into a JSON patch. */
import fastJsonPatch, { type Operation } from "fast-json-patch";
import { changeOf } from "../lock/change.ts";
import { latch, type LatchSettings } from "../lock/latch.ts";
import type { NodeView } from "../lock/node.ts";
import { askerOf } from "./asker.ts";
import type { NodeReviewHandler } from "./review.ts";

export interface LatchPorts {
  readonly settings: LatchSettings;
  readonly nowMillis: () => number;
}

export function createLatch(ports: LatchPorts): NodeReviewHandler {
  const { settings } = ports;
  return function latchNode(review) {
    const { old: before, node: after, subresource } = review;
    const request = { change: changeOf(review), before, after, subresource };
    const asker = askerOf(review.caller, settings.tools);
    const decided = latch(request, asker, ports.nowMillis(), settings);
    switch (decided.kind) {
      case "leave":
        return { kind: "allow", decision: "left", warnings: [], audit: {}, patch: [] };
      case "refuse":
        return {
          kind: "refuse",
          decision: "bad-value",
          code: 422,
          reason: "Invalid",
          message: decided.problem,
          warnings: [],
          audit: { decision: "bad-value" },
        };
      case "set":
        return {
          kind: "allow",
          decision: decided.why,
          warnings: decided.notes,
          audit: { decision: decided.why },
          patch: review.node === null ? [] : annotationPatch(review.node, decided.annotations),
        };
    }
  };
}

/**
 * The smallest patch from the request's annotations to the wanted ones. Other annotations are not in the view and so
 * not in the patch; a node without any gets the whole map, as JSON patch can't add below a path that is not there.
 */
export function annotationPatch(node: NodeView, wanted: ReadonlyMap<string, string | null>): Operation[] {
  const next = new Map(node.annotations);
  for (const [key, value] of wanted) {
    if (value === null) next.delete(key);
    else next.set(key, value);
  }
  const before = node.hasAnnotations ? { annotations: Object.fromEntries(node.annotations) } : {};
  return fastJsonPatch.compare({ metadata: before }, { metadata: { annotations: Object.fromEntries(next) } });
}

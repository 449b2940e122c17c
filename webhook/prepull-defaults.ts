/** The mutating webhook `prepull-defaults.nodelatch.io`: gives new jobs the defaults that KubeEdge documents. */
import { defaultsPatch } from "../prepull/defaults.ts";
import type { JobReviewHandler } from "./review.ts";

export function createPrepullDefaults({ enabled }: { readonly enabled: boolean }): JobReviewHandler {
  return function prepullDefaults({ operation, subresource, job }) {
    const isNew = operation === "CREATE" && subresource === "";
    const patch = enabled && isNew ? defaultsPatch(job?.spec) : [];
    const decision = patch.length > 0 ? "defaulted" : "not-relevant";
    return { kind: "allow", decision, warnings: [], audit: {}, patch };
  };
}

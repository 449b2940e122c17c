/** The validating webhook `prepull.nodelatch.io`: asks prepull/decide.ts and puts its answer into words. */
import { decide, type PrepullSettings } from "../prepull/decide.ts";
import type { ClusterFacts } from "../prepull/facts.ts";
import type { Finding } from "../prepull/finding.ts";
import { refusalText, warningTexts } from "../prepull/message.ts";
import type { JobReviewHandler } from "./review.ts";

export interface PrepullPorts {
  readonly settings: PrepullSettings;
  /** What is known now; must return at once, as no review waits for the API server. */
  readonly facts: () => ClusterFacts;
}

export function createPrepull({ settings, facts }: PrepullPorts): JobReviewHandler {
  return function prepull({ version, subresource, caller, old, job }) {
    const decision = decide({ version, subresource, username: caller.username, old, job }, settings, facts());
    if (decision.kind === "allow") {
      const { why, warnings } = decision;
      return {
        kind: "allow",
        decision: why,
        warnings: warningTexts(warnings),
        audit: auditOf(why, warnings),
        patch: [],
      };
    }
    const { errors, warnings } = decision;
    return {
      kind: "refuse",
      decision: "refused",
      code: 422,
      reason: "Invalid",
      message: refusalText((job ?? old)?.name ?? "", errors),
      warnings: warningTexts(warnings),
      audit: auditOf("refused", [...errors, ...warnings]),
    };
  };
}

/** Keys are bare: the API server puts the webhook's name before them. */
function auditOf(decision: string, findings: readonly Finding[]): Record<string, string> {
  const rules = [...new Set(findings.map(({ rule }) => rule))];
  return { decision, ...(rules.length === 0 ? {} : { rules: rules.join(",") }) };
}

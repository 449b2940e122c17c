/** Who judges a new ImagePrePullJob, each the jobs with its own label. */

export const ANSWERERS = [
  { name: "nothing", title: "nothing registered" },
  { name: "policy", title: "ValidatingAdmissionPolicy" },
  { name: "nodelatch", title: "nodelatch" },
] as const;

export type AnswererName = (typeof ANSWERERS)[number]["name"];

/** On a job, with the answerer's name: every registration selects its jobs by it. */
export const ANSWERER_LABEL = "bench.nodelatch.io/answerer";
/** Name of the webhook and of the policy, as refusals quote them. */
export const WEBHOOK_NAME = "prepull.nodelatch.io";
export const POLICY_NAME = "prepull-bench";

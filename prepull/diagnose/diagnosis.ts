/** What diagnose tells: a cause with what speaks for it, and what to do next. */

export const CAUSES = {
  "poison-here": "a number of this job does not fit KubeEdge's type, so nothing can list jobs",
  "poison-elsewhere": "another job has such a number, so this one stands still too",
  "delete-hangs": "it is being deleted, but KubeEdge's finalizer is not removed",
  "controller-manager-missing": "no controller-manager of KubeEdge is installed",
  "controller-manager-not-ready": "KubeEdge's controller-manager is not ready",
  "not-taken-up": "nothing has taken the job up, and why is not known",
  "task-manager-off": "cloudcore's task manager is off",
  "tolerance-panics": "failureTolerate makes the controller panic at the first failed node",
  "duplicate-node": "a node is named twice, so its second entry never ends",
  "swapped-reports": "cloudcore handled a node's two reports in the wrong order, so the node never ends",
  "missed-start": "cloudcore did not see the job's start, so it never dispatches it",
  "queue-lost": "cloudcore lost the rest of the nodes, most likely by a restart",
  "edge-task-manager-off": "edgecore's task manager is off",
  "edge-silent": "a node took the job and reports nothing",
  "pull-hangs": "a node passed the check and pulls for long; a pull has no deadline",
  "timeout-lost": "the timeout has passed, but its watchdog is gone",
  "bad-target": "the spec's choice of nodes can't work",
  "node-missing": "the node does not exist",
  "node-not-edge": "the node is no edge node",
  "node-not-ready": "the node was not Ready at the start",
  "not-connected":
    "the node was not connected to the cloudcore that dispatched, and KubeEdge drops the reason",
  "check-failed": "the node failed the check before the pull",
  "image-reference": "an image is no valid reference",
  "image-missing": "the registry does not have the image",
  "secret-unusable": "the Secret is missing, was missing when first asked for, or has no .dockerconfigjson",
  "secret-reference": "imageSecrets is not namespace/name",
  credentials: "the registry refuses the credentials, or gets none",
  "registry-away": "the node can't reach the registry",
  "registry-limit": "the registry limits pulls",
  "disk-full": "the node's disk is full",
  "pull-failed": "the pull failed for a reason that is not known here",
  "timed-out-waiting": "nodes timed out while they waited for a free place",
  "timed-out": "nodes timed out in the pull",
  "late-success": "a node finished after the timeout; the job stays Failure",
  "over-tolerance": "more nodes failed than failureTolerate allows",
  "nothing-pulled": "the job is Completed, but its spec makes KubeEdge pull nothing",
  "no-timeout": "there is no timeout, so one lost report leaves it InProgress for ever",
  "in-progress": "nothing speaks against it; it is at work",
  "ended-well": "the job is Completed, and nothing speaks against it",
} as const;

export type Cause = keyof typeof CAUSES;

export interface Diagnosis {
  readonly cause: Cause;
  /** Whether the evidence proves the cause, or only fits it. */
  readonly sure: boolean;
  readonly evidence: readonly string[];
  /** Typed as it stands, except what is in capitals. */
  readonly next: string;
}

export function sure(cause: Cause, evidence: readonly string[], next: string): Diagnosis {
  return { cause, sure: true, evidence, next };
}

export function likely(cause: Cause, evidence: readonly string[], next: string): Diagnosis {
  return { cause, sure: false, evidence, next };
}

/** Ends a job that hangs: the two fields are read while it runs (facts/kubeedge-observed.md C). */
export function endByTimeout(name: string): string {
  return `kubectl patch imageprepulljob ${name} --type merge -p '{"spec":{"imagePrePullTemplate":{"timeoutSeconds":1}}}', then create it again under another name`;
}

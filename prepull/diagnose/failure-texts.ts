/** What KubeEdge, containerd and registries write when a node fails, and what it comes from. First match counts. */
import type { Cause } from "./diagnosis.ts";

interface FailureText {
  readonly cause: Cause;
  readonly says: RegExp;
  /** `NODE`, `IMAGE` and so on are for the reader to fill in; `JOB` is filled in. */
  readonly next: string;
}

const NEW_SECRET =
  'kubectl create secret generic NEW-NAME -n NAMESPACE --from-literal=.dockerconfigjson=\'{"username":"U","password":"P"}\', ' +
  "and a new job with that Secret: the edge remembers the old answer";

export const FAILURE_TEXTS: readonly FailureText[] = [
  { cause: "node-missing", says: /failed to get node/i, next: "kubectl get nodes" },
  {
    cause: "node-not-edge",
    says: /not an edge node/i,
    next: "kubectl get nodes -l node-role.kubernetes.io/edge=",
  },
  {
    cause: "node-not-ready",
    says: /the node is not ready/i,
    next: "kubectl get nodes; then a new job, as it is never tried again",
  },
  {
    cause: "check-failed",
    says: /check item .* not support|exceeds the maximum allowed usage/i,
    next: "choose checkItems from mem and disk, or free the node, and create a new job",
  },
  {
    cause: "image-reference",
    says: /invalid reference format|failed to parse image reference/i,
    next: "kubectl get imageprepulljob JOB -o yaml",
  },
  // Before the Secret's other texts: the 120 s wait for a Secret whose name is empty says both.
  {
    cause: "secret-reference",
    says: /pull secret format is not correct|get secret from metaManager failed/i,
    next: "imageSecrets: NAMESPACE/NAME in a new job",
  },
  {
    cause: "secret-unusable",
    says: /failed to unmarshal secret|unexpected end of JSON input/i,
    next: NEW_SECRET,
  },
  { cause: "disk-full", says: /no space left on device/i, next: "on NODE: df -h; crictl rmi --prune" },
  { cause: "registry-limit", says: /toomanyrequests|\b429\b/i, next: "give imageSecrets, or a mirror" },
  {
    cause: "image-missing",
    says: /manifest unknown|: not found|\b404\b/i,
    next: "crictl pull IMAGE on NODE",
  },
  {
    cause: "credentials",
    says: /\b401\b|\b403\b|unauthorized|pull access denied|authorization failed|insufficient_scope|no basic auth/i,
    next: NEW_SECRET,
  },
  {
    cause: "registry-away",
    says: /no such host|i\/o timeout|connection refused|network is unreachable|x509|deadline exceeded|TLS handshake/i,
    next: "on NODE: curl -v https://REGISTRY/v2/",
  },
];

/** Reasons of a job that never got to its nodes (cloud/pkg/controllermanager/nodetask/node_verify.go). */
export const BAD_TARGET = /nodeNames and nodeSelector|no nodes were matched|nodeSelector is invalid/i;
export const TIMED_OUT = /the node task has timed out/i;
export const OVER_TOLERANCE = /exceeds the failure tolerance threshold/i;

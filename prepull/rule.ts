/**
 * Every rule about ImagePrePullJobs: its stable name, what it does, what it looks at, what KubeEdge would have done,
 * and a value that passes. Messages, settings (`warnOnly`) and docs/prepull.md are all made from this one table.
 * What KubeEdge does was observed (facts/kubeedge-observed.md A-C) or read in its source (facts/kubeedge.md 1).
 */

/** `refuse` rules become warnings by mode or by name; `warn` rules never refuse. */
export type Verdict = "refuse" | "warn";

export interface Rule {
  readonly verdict: Verdict;
  /** What a job that meets the rule's condition has. */
  readonly when: string;
  /** Completes "KubeEdge would ...". */
  readonly effect: string;
  /** YAML that passes, or the next command. */
  readonly example: string;
}

const refuse = (when: string, effect: string, example: string): Rule => ({
  verdict: "refuse",
  when,
  effect,
  example,
});
const warn = (when: string, effect: string, example: string): Rule => ({
  verdict: "warn",
  when,
  effect,
  example,
});

/** What the spec alone shows. */
const SPEC_RULES = {
  "field-type": refuse(
    "a field has another JSON type than KubeEdge's",
    "be unable to read any ImagePrePullJob of the cluster, once such an object is stored",
    'images: ["docker.io/library/nginx:1.27"]',
  ),
  "field-unknown": refuse(
    "a field that KubeEdge does not have, as in old samples",
    "never see it: the API server drops it",
    "imageSecrets, nodeNames, timeoutSeconds",
  ),
  "template-missing": refuse(
    "no `imagePrePullTemplate`",
    "fail the job at once",
    'imagePrePullTemplate: {images: ["docker.io/library/nginx:1.27"], nodeNames: ["edge1"], timeoutSeconds: 300}',
  ),
  "number-range": refuse(
    "a number that does not fit KubeEdge's Go field: int32, for `timeoutSeconds` uint32",
    "stop every ImagePrePullJob of the cluster, as nothing can list them any more, and its controller-manager would crash at the next restart",
    "timeoutSeconds: 300, concurrency: 5, retryTimes: 2",
  ),
  "concurrency-negative": refuse("`concurrency` below 0", "take it as 1", "concurrency: 5"),
  "retries-negative": refuse(
    "`retryTimes` below 0",
    "report success without pulling (-1), or pull without end, even after the job is deleted (-2 and below)",
    "retryTimes: 2",
  ),
  "retries-many": warn(
    "`retryTimes` whose pauses of 0.5 s alone outlast `timeoutSeconds`, or 10 minutes if there is none",
    "go on pulling after the timeout, and after the job is deleted, until edgecore restarts",
    "retryTimes: 2",
  ),
  "timeout-missing": warn(
    "no `timeoutSeconds`, or 0",
    "never time out: one lost or swapped report leaves the job InProgress for ever",
    "timeoutSeconds: 300",
  ),
  "images-missing": refuse(
    "no `images`",
    "pull nothing and report Completed",
    'images: ["docker.io/library/nginx:1.27"]',
  ),
  "image-empty": refuse(
    "an image that is the empty text",
    "pull nothing and report Completed",
    'images: ["docker.io/library/nginx:1.27"]',
  ),
  "image-malformed": refuse(
    "an image that is no reference in the grammar of the distribution project",
    "fail every node with `invalid reference format`",
    'images: ["registry.example.com/team/app:1.2.3"]',
  ),
  "image-duplicate": warn(
    "an image listed twice",
    "ask for it twice",
    'images: ["docker.io/library/nginx:1.27"]',
  ),
  "image-tag-moves": warn(
    "an image without tag, or with `:latest`, and without digest",
    "skip it on each node that has any image of that name, however old",
    'images: ["docker.io/library/nginx:1.27"]',
  ),
  "registry-without-secret": warn(
    "no `imageSecrets`, and an image from a registry that is not a well-known public one",
    "pull anonymously",
    "imageSecrets: kubeedge/registry-login",
  ),
  "targets-missing": refuse(
    "neither `nodeNames` nor `labelSelector`",
    "fail the job at once",
    'nodeNames: ["edge1"]',
  ),
  "targets-both": refuse(
    "both `nodeNames` and `labelSelector`, even `{}`",
    "fail the job at once",
    'nodeNames: ["edge1"]',
  ),
  "node-name-malformed": refuse(
    "a node name that no Node can have (RFC 1123 subdomain)",
    "fail that entry",
    'nodeNames: ["edge1"]',
  ),
  "node-name-duplicate": refuse(
    "a node named twice",
    "pull twice and leave the second entry, and so the job, InProgress for ever",
    'nodeNames: ["edge1", "edge2"]',
  ),
  "selector-everything": refuse(
    "a `labelSelector` without any requirement",
    "take every node, those of the cloud included, and fail on these",
    'labelSelector: {matchLabels: {"node-role.kubernetes.io/edge": ""}}',
  ),
  "selector-malformed": refuse(
    "a `labelSelector` that apimachinery refuses",
    "fail the job at once",
    "labelSelector: {matchExpressions: [{key: site, operator: In, values: [north]}]}",
  ),
  "check-item-unknown": refuse(
    "a `checkItems` entry other than `cpu`, `mem`, `disk`",
    "fail the check of every node, without a pull",
    'checkItems: ["disk"]',
  ),
  "check-item-cpu": warn(
    "`cpu` in `checkItems`",
    "measure 100 ms of CPU use and fail the node if it is above 80 %, so any busy moment counts",
    'checkItems: ["mem", "disk"]',
  ),
  "tolerance-malformed": refuse(
    "a `failureTolerate` that Go's ParseFloat does not read",
    "tolerate no failure at all",
    'failureTolerate: "0.1"',
  ),
  "tolerance-not-finite": refuse(
    "a `failureTolerate` of NaN or infinity",
    "panic at the first failed node, again and again, and never end the job",
    'failureTolerate: "0.1"',
  ),
  "tolerance-range": refuse(
    "a `failureTolerate` below 0 or above 1",
    "take it as 0, or never fail the job",
    'failureTolerate: "0.1"',
  ),
  "tolerance-always": warn(
    "a `failureTolerate` of 1",
    "report Completed even if every node failed",
    'failureTolerate: "0.1"',
  ),
  "secret-malformed": refuse(
    "`imageSecrets` that is not namespace/name",
    "fail every node; with an empty part only after 120 s, in the way of other jobs",
    "imageSecrets: kubeedge/registry-login",
  ),
} as const satisfies Record<string, Rule>;

/** What the spec and the cluster show together. Nothing unknown is ever held against a job. */
const CLUSTER_RULES = {
  "nodes-unusable": refuse(
    "targets of which every one is missing, no edge node or not Ready",
    "fail every node at once, and never try again",
    "kubectl get nodes -l node-role.kubernetes.io/edge=",
  ),
  "node-missing": warn("a node that does not exist", "fail that entry; the others run", "kubectl get nodes"),
  "node-not-edge": warn(
    'a named node without the label node-role.kubernetes.io/edge=""',
    "fail that entry; the others run",
    "kubectl get nodes -l node-role.kubernetes.io/edge=",
  ),
  "node-not-ready": warn(
    "an edge node that is not Ready",
    "fail that entry, and never try again",
    "kubectl get nodes -l node-role.kubernetes.io/edge=",
  ),
  "node-disk-pressure": warn(
    "an edge node with DiskPressure",
    "pull on it; its image garbage collection may delete the images at once",
    "kubectl describe node NAME",
  ),
  "selector-matches-nothing": warn(
    "a `labelSelector` that matches no node",
    "fail the job at once",
    "kubectl get nodes -l SELECTOR",
  ),
  "selector-cloud-nodes": warn(
    "a `labelSelector` that matches nodes of the cloud too",
    "fail these entries; the others run",
    'labelSelector: {matchLabels: {"node-role.kubernetes.io/edge": ""}}',
  ),
  "secret-missing": warn(
    "a Secret that does not exist",
    "fail every node, and keep failing there for a while after the Secret is created",
    "kubectl get secret -n NAMESPACE NAME",
  ),
  "secret-type": warn(
    "a Secret without the key .dockerconfigjson",
    "fail every node with `unexpected end of JSON input`",
    'kubectl create secret generic NAME -n NAMESPACE --from-literal=.dockerconfigjson=\'{"username":"U","password":"P"}\'',
  ),
  "secret-auths": warn(
    "a Secret with `auths`, as `kubectl create secret docker-registry` makes it",
    "read no credentials from it and pull anonymously",
    'kubectl create secret generic NAME -n NAMESPACE --from-literal=.dockerconfigjson=\'{"username":"U","password":"P"}\'',
  ),
  "task-manager-off": warn(
    "cloudcore's `modules.taskManager.enable` is off",
    "leave the job InProgress, its nodes Pending, also after it is switched on",
    "kubectl edit configmap -n kubeedge cloudcore",
  ),
  "controller-manager-missing": warn(
    "no Deployment of KubeEdge's controller-manager",
    "leave the job without any status",
    "kubectl get deployment -n kubeedge",
  ),
  "controller-manager-not-ready": warn(
    "KubeEdge's controller-manager has no ready replica",
    "leave the job as it is until it is ready",
    "kubectl get deployment -n kubeedge",
  ),
  "edge-task-manager-off": warn(
    "a target whose edgecore has `modules.taskManager.enable` off",
    "leave the node InProgress until the timeout",
    "/etc/kubeedge/config/edgecore.yaml: modules.taskManager.enable: true",
  ),
  "timeout-short": warn(
    "a `timeoutSeconds` with less than 30 s for each round of `concurrency` nodes",
    "count the wait for a free place against the timeout, so nodes end Unknown without having started",
    "concurrency: 10",
  ),
  "tolerance-exceeded": warn(
    "more targets are missing, no edge nodes or not Ready than `failureTolerate` allows",
    "report Failure whatever the others do",
    'failureTolerate: "0.1"',
  ),
  "old-runtime-timeout": refuse(
    "no `timeoutSeconds` while cloudcore runs the v1alpha1 tasks (`disableNodeTaskV1alpha2`)",
    "crash cloudcore",
    "timeoutSeconds: 300",
  ),
  "old-runtime-tolerance": warn(
    "a `failureTolerate` of 0 while cloudcore runs the v1alpha1 tasks (`disableNodeTaskV1alpha2`)",
    "stop the job even if no node fails",
    'failureTolerate: "0.1"',
  ),
} as const satisfies Record<string, Rule>;

/** What a write does to a job that is there. */
const UPDATE_RULES = {
  "spec-frozen": refuse(
    "a change of the spec after the job has started",
    "ignore it; only `failureTolerate` and `timeoutSeconds` count until the job has ended",
    "create a job with another name",
  ),
  "old-version-write": refuse(
    "a write through v1alpha1 to a job that v1alpha2 runs",
    "lose the job's status and run it again",
    "apiVersion: operations.kubeedge.io/v1alpha2",
  ),
  "phase-cleared": refuse(
    "a write of the status that sets a phase back to the start, not by KubeEdge's controllers",
    "run the job again",
    "create a job with another name",
  ),
  "finalizer-stripped": warn(
    "KubeEdge's finalizer is removed while a number of the job does not fit",
    "crash its controller-manager once it can list jobs again; correct the number first",
    'kubectl patch imageprepulljob NAME --type merge -p \'{"spec":{"imagePrePullTemplate":{"timeoutSeconds":300}}}\'',
  ),
} as const satisfies Record<string, Rule>;

export const RULES = { ...SPEC_RULES, ...CLUSTER_RULES, ...UPDATE_RULES } as const;

export type RuleName = keyof typeof RULES;

export const RULE_GROUPS: readonly {
  readonly title: string;
  readonly rules: Readonly<Record<string, Rule>>;
}[] = [
  { title: "What the spec shows", rules: SPEC_RULES },
  { title: "What the cluster shows", rules: CLUSTER_RULES },
  { title: "What an update does", rules: UPDATE_RULES },
];

/** The rule of this name; settings name rules by text. */
export function isRuleName(text: string): text is RuleName {
  return Object.hasOwn(RULES, text);
}

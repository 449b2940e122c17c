/** What is known of the cluster when a job is judged: plain data, kept up to date by someone else. */

/** "unknown" is never taken for "off". */
export type Switch = "on" | "off" | "unknown";

export interface NodeFact {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  /** Label `node-role.kubernetes.io/edge` with the value "" (KubeEdge's IsEdgeNode wants exactly that). */
  readonly edge: boolean;
  /** Condition Ready is True. */
  readonly ready: boolean;
  readonly diskPressure: boolean;
  /** edgecore's `modules.taskManager.enable`, as the node's agent reports it. */
  readonly taskManager: Switch;
}

/**
 * What KubeEdge can make of a Secret: `flat` credentials work, `auths` is read as empty, the others fail on the edge
 * (facts/kubeedge-observed.md B).
 */
export type SecretForm = "flat" | "auths" | "no-key" | "unreadable";

export interface ClusterFacts {
  /** By name; undefined until they have been read. */
  readonly nodes: ReadonlyMap<string, NodeFact> | undefined;
  /** cloudcore's `modules.taskManager.enable`. */
  readonly cloudTaskManager: Switch;
  /** cloudcore's feature gate `disableNodeTaskV1alpha2`: on = the tasks of v1alpha1 run. */
  readonly oldRuntime: Switch;
  readonly controllerManager: "ready" | "not-ready" | "missing" | "unknown";
  /** By namespace, then name; only the namespaces that may be read. */
  readonly secrets: ReadonlyMap<string, ReadonlyMap<string, SecretForm>>;
}

/** Where nothing can be asked, as in a CI job. */
export const NO_FACTS: ClusterFacts = {
  nodes: undefined,
  cloudTaskManager: "unknown",
  oldRuntime: "unknown",
  controllerManager: "unknown",
  secrets: new Map(),
};

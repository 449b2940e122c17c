/** Turns raw objects of the cluster into facts. Total: what can't be read is unknown. */
import { parse } from "yaml";
import type { ClusterFacts, NodeFact, SecretForm, Switch } from "./facts.ts";
import { fieldsOf, listOf, textOf } from "./job.ts";
import { isFields } from "./shape.ts";

/** constants.EdgeNodeRoleKey of KubeEdge. */
export const EDGE_LABEL = "node-role.kubernetes.io/edge";
/** The agent's report on its node (design section 3); the field `edgeTaskManager` is `on` or `off`. */
export const REPORT_ANNOTATION = "nodelatch.io/boot-report";

/** Undefined if it is no Node with a name. */
export function readNodeFact(raw: unknown): NodeFact | undefined {
  const node = fieldsOf(raw);
  const metadata = fieldsOf(node["metadata"]);
  const name = textOf(metadata["name"]);
  if (name === "") return undefined;
  const labels = new Map<string, string>();
  for (const [key, value] of Object.entries(fieldsOf(metadata["labels"]))) labels.set(key, textOf(value));
  const conditions = listOf(fieldsOf(node["status"])["conditions"]).map(fieldsOf);
  const isTrue = (type: string): boolean =>
    conditions.some((condition) => condition["type"] === type && condition["status"] === "True");
  return {
    name,
    labels,
    edge: labels.get(EDGE_LABEL) === "",
    ready: isTrue("Ready"),
    diskPressure: isTrue("DiskPressure"),
    taskManager: reportedSwitch(fieldsOf(metadata["annotations"])[REPORT_ANNOTATION]),
  };
}

function reportedSwitch(annotation: unknown): Switch {
  const value = fieldsOf(jsonOf(textOf(annotation)))["edgeTaskManager"];
  return value === "on" || value === "off" ? value : "unknown";
}

/**
 * @param text of cloudcore's ConfigMap, key `cloudcore.yaml`; undefined where there is none, as with a cloudcore that
 * runs as a plain program. Parsed, not searched: cloudcore rewrites the whole text at start (facts/kubeedge.md 3).
 */
export function readCloudcore(
  text: string | undefined,
): Pick<ClusterFacts, "cloudTaskManager" | "oldRuntime"> {
  const config = text === undefined ? undefined : yamlOf(text);
  if (config === undefined) return { cloudTaskManager: "unknown", oldRuntime: "unknown" };
  return {
    // Its default is off since KubeEdge 1.21, and its own manifest leaves the whole module out.
    cloudTaskManager: switchOf(fieldsOf(fieldsOf(config["modules"])["taskManager"])["enable"], "off"),
    oldRuntime: switchOf(fieldsOf(config["featureGates"])["disableNodeTaskV1alpha2"], "off"),
  };
}

/** @param text of edgecore.yaml, as the agent reads it on the node. Absent is unknown: older edgecores default to on. */
export function readEdgecore(text: string): Switch {
  const config = yamlOf(text);
  return switchOf(fieldsOf(fieldsOf(config?.["modules"])["taskManager"])["enable"], "unknown");
}

/** @param deployments raw Deployments of KubeEdge's namespace; undefined where they could not be read. */
export function readControllerManager(
  deployments: readonly unknown[] | undefined,
): ClusterFacts["controllerManager"] {
  if (deployments === undefined) return "unknown";
  const found = deployments.map(fieldsOf).find((deployment) => {
    const { name, labels } = fieldsOf(deployment["metadata"]);
    return name === "kubeedge-controller-manager" || fieldsOf(labels)["kubeedge"] === "controller-manager";
  });
  if (found === undefined) return "missing";
  const ready = fieldsOf(found["status"])["readyReplicas"];
  return typeof ready === "number" && ready > 0 ? "ready" : "not-ready";
}

/** Fields of the runtime API's AuthConfig, which KubeEdge fills from the whole text (facts/kubeedge.md 1.4). */
const CREDENTIALS = ["username", "password", "auth", "identity_token", "registry_token"];

/** @param raw a Secret as the API server sends it, `data` in base64. */
export function readSecretForm(raw: unknown): SecretForm {
  const encoded = fieldsOf(fieldsOf(raw)["data"])[".dockerconfigjson"];
  if (typeof encoded !== "string" || encoded === "") return "no-key";
  const content = jsonOf(Buffer.from(encoded, "base64").toString());
  if (!isFields(content)) return "unreadable";
  return CREDENTIALS.some((field) => textOf(content[field]) !== "") ? "flat" : "auths";
}

function switchOf(value: unknown, absent: Switch): Switch {
  if (value === undefined || value === null) return absent;
  if (typeof value !== "boolean") return "unknown";
  return value ? "on" : "off";
}

/** Undefined if it is no mapping; text of foreign origin, so neither errors nor aliases without end. */
function yamlOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = parse(text, { logLevel: "silent" });
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

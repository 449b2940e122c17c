/** The agents: on every node, or on none because somebody wants none. */
import type { NodeView } from "../../lock/node.ts";
import type { JsonObject } from "../../kube/json.ts";
import type { Fact, PodFact } from "./facts.ts";
import { finding, type Finding } from "./finding.ts";
import { asksGate, type Kured } from "./kured.ts";
import { AGENT } from "./workload.ts";

const CHECK = "agents";

export interface AgentFacts {
  readonly daemonSet: Fact<JsonObject | undefined>;
  readonly pods: readonly PodFact[];
  readonly nodes: Fact<readonly NodeView[]>;
  readonly kureds: Fact<readonly Kured[]>;
  readonly namespace: string;
}

/** Pure. */
export function judgeAgents({ daemonSet, pods, nodes, kureds, namespace }: AgentFacts): Finding {
  if (pods.length === 0) {
    if (daemonSet.kind === "unknown") return finding("skip", CHECK, daemonSet.why);
    return daemonSet.value === undefined ? notInstalled(kureds) : withoutPods(namespace);
  }
  if (nodes.kind === "unknown") return finding("skip", CHECK, nodes.why);
  const served = new Set(pods.filter(({ ready }) => ready).map(({ node }) => node));
  const missing = nodes.value.filter(({ name }) => !served.has(name)).map(({ name }) => name);
  if (missing.length === 0)
    return finding("ok", CHECK, `every one of ${nodes.value.length} nodes has a ready agent`);
  const named = missing.slice(0, 5).join(", ");
  const rest = missing.length > 5 ? ` and ${missing.length - 5} more` : "";
  const remedy = "look at their taints, and at the agent's pods there";
  return finding(
    "warn",
    CHECK,
    `no ready agent on ${missing.length} of ${nodes.value.length} nodes: ${named}${rest}`,
    remedy,
  );
}

/** As where a namespace refuses privileged pods: its controller only writes Events about that. */
function withoutPods(namespace: string): Finding {
  const label = `kubectl label namespace ${namespace} pod-security.kubernetes.io/enforce=privileged`;
  return finding(
    "warn",
    CHECK,
    `DaemonSet ${namespace}/${AGENT} has no pods`,
    `kubectl -n ${namespace} describe daemonset ${AGENT} says why; if privileged pods are forbidden: ${label}`,
  );
}

function notInstalled(kureds: Fact<readonly Kured[]>): Finding {
  const text = "the agent is not installed (agent.enabled)";
  const asking = kureds.kind === "known" ? kureds.value.filter(asksGate) : [];
  if (asking.length === 0)
    return finding("info", CHECK, `${text}: no gate, and no release of locks once a reboot is proven`);
  const names = asking.map(({ daemonSet }) => daemonSet).join(", ");
  return finding(
    "warn",
    CHECK,
    `${text}, so there is no gate, and ${names}, which asks it, never reboots`,
    "agent.enabled: true in the chart's values, or take the gate out of --reboot-command",
  );
}

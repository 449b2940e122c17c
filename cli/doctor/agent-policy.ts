/** The policy that keeps each agent to its own Node: RBAC lets every one of them write all. */
import { apiPath, type KubeConnection } from "../../kube/call.ts";
import { objectAt, stringsAt, textAt, type JsonObject } from "../../kube/json.ts";
import { look, readObject, type Fact } from "./facts.ts";
import { finding, type Finding } from "./finding.ts";

const NAME = "nodelatch-agent";
const CHECK = "agent-policy";

export interface AgentPolicy {
  readonly policy: JsonObject | undefined;
  readonly binding: JsonObject | undefined;
}

export async function readAgentPolicy(kube: KubeConnection, signal: AbortSignal): Promise<Fact<AgentPolicy>> {
  const path = (resource: string): string =>
    apiPath("apis", "admissionregistration.k8s.io", "v1", resource, NAME);
  return look(signal, async () => ({
    policy: await readObject(kube, path("validatingadmissionpolicies"), signal),
    binding: await readObject(kube, path("validatingadmissionpolicybindings"), signal),
  }));
}

/** Pure. @param hasAgents nothing is said of a cluster without agents. */
export function judgeAgentPolicy(fact: Fact<AgentPolicy>, hasAgents: boolean): readonly Finding[] {
  if (!hasAgents) return [];
  if (fact.kind === "unknown") return [finding("skip", CHECK, fact.why)];
  const { policy, binding } = fact.value;
  const remedy = "helm upgrade sets it right; with agent.api=false it is not needed";
  const wrong = (text: string): readonly Finding[] => [
    finding("warn", CHECK, `${text}, so any agent may write any Node`, remedy),
  ];
  if (policy === undefined) return wrong(`there is no ValidatingAdmissionPolicy ${NAME}`);
  const spec = objectAt(binding, "spec");
  const isBound =
    textAt(spec, "policyName") === NAME && stringsAt(spec, "validationActions").includes("Deny");
  if (!isBound) return wrong(`ValidatingAdmissionPolicy ${NAME} is not bound with Deny`);
  // A binding may name objects that it is for; ours names none.
  if (objectAt(spec, "matchResources") !== undefined) return wrong(`its binding is for some objects only`);
  if (textAt(objectAt(policy, "spec"), "failurePolicy") === "Ignore")
    return wrong(`its failurePolicy is Ignore`);
  return [finding("ok", CHECK, "each agent may write its own Node only")];
}

/** The policies that keep agent and webhook to what they need: RBAC lets either of them patch all of every Node. */
import { apiPath, type KubeConnection } from "../../kube/call.ts";
import { objectAt, stringsAt, textAt, type JsonObject } from "../../kube/json.ts";
import { look, readObject, type Fact } from "./facts.ts";
import { finding, type Finding } from "./finding.ts";
import { has } from "./service-accounts.ts";

export interface Program {
  /** Of its ServiceAccount, its policy and the binding. */
  readonly name: "nodelatch-agent" | "nodelatch-webhook";
  readonly check: string;
  readonly kept: string;
  readonly else: string;
}

export const PROGRAMS: readonly Program[] = [
  {
    name: "nodelatch-agent",
    check: "agent-policy",
    kept: "each agent may write its own Node only",
    else: "any agent may write any Node",
  },
  {
    name: "nodelatch-webhook",
    check: "webhook-policy",
    kept: "the webhook may write refused uncordons onto Nodes, and nothing else",
    else: "who has the webhook's token may write all of every Node",
  },
];

export interface OwnPolicy {
  /** Whether it may patch nodes at all. */
  readonly isNeeded: boolean;
  readonly policy: JsonObject | undefined;
  readonly binding: JsonObject | undefined;
}

const PATCH_NODES = { group: "", resource: "nodes", verb: "patch" };

/** RBAC: `create` on subjectaccessreviews, `get` on the policies and bindings. */
export async function readOwnPolicy(
  kube: KubeConnection,
  namespace: string,
  { name }: Program,
  signal: AbortSignal,
): Promise<Fact<OwnPolicy>> {
  const path = (resource: string): string =>
    apiPath("apis", "admissionregistration.k8s.io", "v1", resource, name);
  return look(signal, async () => ({
    isNeeded: await has(kube, namespace, { account: name, attributes: PATCH_NODES }, signal),
    policy: await readObject(kube, path("validatingadmissionpolicies"), signal),
    binding: await readObject(kube, path("validatingadmissionpolicybindings"), signal),
  }));
}

/** Pure. Nothing is said of a program that may not patch nodes, as one that is not installed. */
export function judgeOwnPolicy(
  { name, check, kept, else: consequence }: Program,
  fact: Fact<OwnPolicy>,
): readonly Finding[] {
  if (fact.kind === "unknown") return [finding("skip", check, fact.why)];
  const { isNeeded, policy, binding } = fact.value;
  if (!isNeeded) return [];
  const wrong = (text: string): readonly Finding[] => [
    finding("warn", check, `${text}, so ${consequence}`, "helm upgrade sets it right"),
  ];
  if (policy === undefined) return wrong(`there is no ValidatingAdmissionPolicy ${name}`);
  const spec = objectAt(binding, "spec");
  const isBound =
    textAt(spec, "policyName") === name && stringsAt(spec, "validationActions").includes("Deny");
  if (!isBound) return wrong(`ValidatingAdmissionPolicy ${name} is not bound with Deny`);
  // A binding may name objects that it is for; ours names none.
  if (objectAt(spec, "matchResources") !== undefined) return wrong(`its binding is for some objects only`);
  if (textAt(objectAt(policy, "spec"), "failurePolicy") === "Ignore")
    return wrong(`its failurePolicy is Ignore`);
  return [finding("ok", check, kept)];
}

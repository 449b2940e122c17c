/** Whether webhook and agent have the rights that the chart gives them: for want of one a part of them fails unseen. */
import { apiPath, type KubeConnection } from "../../kube/call.ts";
import { objectAt, type JsonObject } from "../../kube/json.ts";
import { look, type Fact } from "./facts.ts";
import { finding, type Finding, type Level } from "./finding.ts";
import { AGENT, argumentsIn, WEBHOOK, type Workloads } from "./workload.ts";

const CHECK = "service-accounts";

export interface Need {
  /** Name of the ServiceAccount. */
  readonly account: typeof WEBHOOK | typeof AGENT;
  readonly attributes: Readonly<Record<"group" | "resource" | "verb", string>> &
    Readonly<Partial<Record<"namespace" | "name", string>>>;
  /** What does not work without it. */
  readonly else: string;
  readonly level: Level;
}

/** The containers' arguments; undefined where there is no such workload, or it may not be read. */
export interface Flags {
  readonly webhook: readonly string[] | undefined;
  readonly agent: readonly string[] | undefined;
}

const REGISTRATION = "admissionregistration.k8s.io";
/** Events about nodes live there, as nodes have no namespace. */
const EVENTS = { group: "", resource: "events", verb: "create", namespace: "default" } as const;

/** Pure. What is switched off, and what nothing is known of, needs nothing. */
export function needsOf({ webhook, agent }: Flags): readonly Need[] {
  const needs: Need[] = [
    {
      account: WEBHOOK,
      attributes: { group: "authorization.k8s.io", resource: "subjectaccessreviews", verb: "create" },
      else: "every break-glass is refused, and no refused uncordon is carried out",
      level: "fail",
    },
    ...["validatingwebhookconfigurations", "mutatingwebhookconfigurations"].map((resource): Need => ({
      account: WEBHOOK,
      attributes: { group: REGISTRATION, resource, verb: "get", name: "nodelatch" },
      else: "nobody sees whether its CA is registered there",
      level: "fail",
    })),
  ];
  if (webhook?.includes("--carry-out-uncordons=true") === true && webhook.includes("--guard-mode=enforce")) {
    needs.push({
      account: WEBHOOK,
      attributes: { group: "", resource: "nodes", verb: "patch" },
      else: "refused uncordons are not kept",
      level: "fail",
    });
  }
  if (webhook?.includes("--events=on") === true)
    needs.push({ account: WEBHOOK, attributes: EVENTS, else: "refusals leave no Events", level: "warn" });
  if (agent === undefined || agent.includes("--api=off")) return needs;
  const shut = "the gate stays shut";
  const nodes = { group: "", resource: "nodes" };
  return [
    ...needs,
    {
      account: AGENT,
      attributes: { ...nodes, verb: "get" },
      else: `${shut}, and no lock is released`,
      level: "fail",
    },
    {
      account: AGENT,
      attributes: { ...nodes, verb: "patch" },
      else: "no lock is released after a reboot",
      level: "fail",
    },
    {
      account: AGENT,
      attributes: { group: "", resource: "pods", verb: "list" },
      else: shut,
      level: "fail",
    },
    { account: AGENT, attributes: EVENTS, else: "refused reboots leave no Events", level: "warn" },
  ];
}

/** What is missing. RBAC: `create` on subjectaccessreviews. */
export async function missingRights(
  kube: KubeConnection,
  namespace: string,
  workloads: Workloads,
  signal: AbortSignal,
): Promise<Fact<readonly Need[]>> {
  const [webhook, agent] = [argumentsOf(workloads.webhook), argumentsOf(workloads.agent)];
  return look(signal, async () => {
    const missing: Need[] = [];
    for (const need of needsOf({ webhook, agent })) {
      if (!(await has(kube, namespace, need, signal))) missing.push(need);
    }
    return missing;
  });
}

/** RBAC: `create` on subjectaccessreviews. @throws KubeError if that can't be asked. */
export async function has(
  kube: KubeConnection,
  namespace: string,
  { account, attributes }: Pick<Need, "account" | "attributes">,
  signal: AbortSignal,
): Promise<boolean> {
  const groups = ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"];
  const user = `system:serviceaccount:${namespace}:${account}`;
  const answer = await kube.request({
    doing: `ask what ServiceAccount ${namespace}/${account} may do`,
    method: "POST",
    path: apiPath("apis", "authorization.k8s.io", "v1", "subjectaccessreviews"),
    body: {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SubjectAccessReview",
      spec: { user, groups, resourceAttributes: attributes },
    },
    repeatable: true,
    signal,
  });
  return objectAt(answer, "status")?.["allowed"] === true;
}

function argumentsOf(read: Fact<JsonObject | undefined>): readonly string[] | undefined {
  return read.kind === "known" && read.value !== undefined ? argumentsIn(read.value) : undefined;
}

/** Pure. */
export function judgeRights(fact: Fact<readonly Need[]>): readonly Finding[] {
  if (fact.kind === "unknown") return [finding("skip", CHECK, fact.why)];
  if (fact.value.length === 0)
    return [finding("ok", CHECK, "webhook and agent have the rights that they need")];
  return fact.value.map(({ account, attributes, else: consequence, level }) => {
    const { group, resource, verb, name } = attributes;
    const what = `${resource}${group === "" ? "" : `.${group}`}${name === undefined ? "" : `/${name}`}`;
    const text = `ServiceAccount ${account} may not ${verb} ${what}: ${consequence}`;
    return finding(level, CHECK, text, `helm upgrade sets it right; kubectl describe clusterrole ${account}`);
  });
}

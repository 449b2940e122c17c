/** What the cluster's state says about a job, as far as it is known. No call, no clock: the facts are data. */
import type { ClusterFacts, Switch } from "./facts.ts";
import { forbidden, invalid, required, TEMPLATE_PATH, type Finding } from "./finding.ts";
import { adviseTargets, findTargets } from "./node-advice.ts";
import { SECRET_PATH } from "./secret-reference.ts";
import type { Template } from "./spec.ts";

const CLOUDCORE = "ConfigMap kubeedge/cloudcore";
const CONTROLLER_MANAGER = "Deployment kubeedge-controller-manager";
const TIMEOUT_PATH = `${TEMPLATE_PATH}.timeoutSeconds`;

/** A guess at one pull; the rule only warns. */
const SECONDS_PER_ROUND = 30;

export function advise(template: Template, facts: ClusterFacts): readonly Finding[] {
  const found = findTargets(template.targets, facts.nodes);
  return [
    ...adviseSwitches(facts),
    ...adviseOldRuntime(template, facts.oldRuntime),
    ...adviseTargets(template, found),
    ...adviseSecret(template, facts),
    ...adviseTimeout(template, found.count),
  ];
}

function adviseSwitches(facts: ClusterFacts): readonly Finding[] {
  const findings: Finding[] = [];
  // Only v1alpha2 needs the controller-manager.
  if (facts.oldRuntime !== "on") {
    if (facts.controllerManager === "missing") {
      findings.push(
        required(
          "controller-manager-missing",
          CONTROLLER_MANAGER,
          "it is not installed; nothing will happen",
        ),
      );
    } else if (facts.controllerManager === "not-ready") {
      findings.push(invalid("controller-manager-not-ready", CONTROLLER_MANAGER, 0, "no replica is ready"));
    }
  }
  if (facts.cloudTaskManager === "off") {
    const text = "modules.taskManager.enable is off: nodes stay Pending";
    findings.push(forbidden("task-manager-off", CLOUDCORE, text));
  }
  return findings;
}

function adviseOldRuntime(template: Template, oldRuntime: Switch): readonly Finding[] {
  if (oldRuntime !== "on") return [];
  const findings: Finding[] = [];
  if (template.timeoutSeconds === 0) {
    findings.push(
      required("old-runtime-timeout", TIMEOUT_PATH, "disableNodeTaskV1alpha2 is on: cloudcore would crash"),
    );
  }
  if (template.tolerance === 0) {
    const text = 'disableNodeTaskV1alpha2 is on: tolerating 0 ends the job; use "0.1"';
    findings.push(invalid("old-runtime-tolerance", `${TEMPLATE_PATH}.failureTolerate`, 0, text));
  }
  return findings;
}

function adviseSecret({ secret }: Template, { secrets }: ClusterFacts): readonly Finding[] {
  if (secret === undefined) return [];
  const readable = secrets.get(secret.namespace);
  if (readable === undefined) return [];
  const value = `${secret.namespace}/${secret.name}`;
  const form = readable.get(secret.name);
  switch (form) {
    case "flat":
      return [];
    case undefined:
      return [invalid("secret-missing", SECRET_PATH, value, "there is no such Secret")];
    case "auths": {
      const text = 'read as empty: anonymous pulls; KubeEdge needs {"username","password"} without auths';
      return [invalid("secret-auths", SECRET_PATH, value, text)];
    }
    case "no-key":
    case "unreadable": {
      const problem =
        form === "no-key" ? "has no key .dockerconfigjson" : "holds no JSON in .dockerconfigjson";
      return [invalid("secret-type", SECRET_PATH, value, `the Secret ${problem}`)];
    }
  }
}

/** @param count of nodes; 0 = not known. */
function adviseTimeout({ timeoutSeconds, concurrency }: Template, count: number): readonly Finding[] {
  const rounds = Math.ceil(count / concurrency);
  if (timeoutSeconds === 0 || rounds < 2 || timeoutSeconds >= rounds * SECONDS_PER_ROUND) return [];
  const text = `${count} nodes, ${concurrency} at once: ${rounds} rounds of ${Math.floor(timeoutSeconds / rounds)} s`;
  return [invalid("timeout-short", TIMEOUT_PATH, timeoutSeconds, text)];
}

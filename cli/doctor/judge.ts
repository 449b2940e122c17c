/** What the facts mean. Pure. */
import type { NodeView } from "../../lock/node.ts";
import { lockOn } from "../../lock/record.ts";
import { judgeAgents, type AgentFacts } from "./agents.ts";
import type { Fact, PodFact, Trial } from "./facts.ts";
import { finding, type Finding } from "./finding.ts";

/** matchConditions are stable since then. */
const OLDEST_MINOR = 30;

export function judgeServer(version: {
  readonly major: string;
  readonly minor: string;
  readonly git: string;
}): Finding {
  const [major, minor] = [Number.parseInt(version.major, 10), Number.parseInt(version.minor, 10)];
  const isOld = major < 1 || (major === 1 && minor < OLDEST_MINOR);
  if (isOld)
    return finding(
      "fail",
      "api-server",
      `Kubernetes ${version.git} is older than 1.${OLDEST_MINOR}`,
      "upgrade it",
    );
  return finding("ok", "api-server", `Kubernetes ${version.git}`);
}

export function judgePods(
  fact: Fact<readonly PodFact[]>,
  { namespace, ...rest }: Omit<AgentFacts, "pods">,
  version: string,
): readonly Finding[] {
  if (fact.kind === "unknown") return [finding("skip", "webhook-pods", fact.why)];
  const webhooks = fact.value.filter(({ component }) => component === "webhook");
  const agents = fact.value.filter(({ component }) => component === "agent");
  const ready = webhooks.filter((pod) => pod.ready);
  const counted = `${ready.length} of ${webhooks.length} webhook pods are ready`;
  const remedy = `kubectl -n ${namespace} describe pods says why; is -n the namespace of Nodelatch?`;
  return [
    ready.length === 0
      ? finding("fail", "webhook-pods", webhooks.length === 0 ? "there are no webhook pods" : counted, remedy)
      : finding(ready.length < webhooks.length ? "warn" : "ok", "webhook-pods", counted),
    judgeAgents({ ...rest, namespace, pods: agents }),
    judgeVersions(fact.value, version),
  ];
}

function judgeVersions(pods: readonly PodFact[], own: string): Finding {
  const versions = [
    ...new Set(pods.map(({ version }) => version).filter((version) => version !== "")),
  ].toSorted();
  if (versions.length === 0)
    return finding("skip", "versions", `this program is ${own}; the pods name no version`);
  if (versions.length === 1 && versions[0] === own) return finding("ok", "versions", `${own} everywhere`);
  const remedy = "finish the rollout, or get the kubectl-nodelatch of the release";
  return finding("warn", "versions", `this program is ${own}, the pods are ${versions.join(", ")}`, remedy);
}

export function judgeTrials(lock: Fact<Trial>, uncordon: Fact<Trial>): readonly Finding[] {
  return [judgeLockTrial(lock), judgeUncordonTrial(uncordon)];
}

function judgeLockTrial(fact: Fact<Trial>): Finding {
  const check = "latch-answers";
  if (fact.kind === "unknown") return finding(fact.isForbidden ? "skip" : "fail", check, fact.why);
  const trial = fact.value;
  const remedy =
    "look at the webhook's pods, Service and NetworkPolicies: the API server must reach port 443 of it";
  switch (trial.kind) {
    case "none":
      return finding("skip", check, trial.why);
    case "stamped":
      return finding("ok", check, `a lock of ${trial.node} was stamped in a dry run: the webhook is reached`);
    case "unstamped":
    case "allowed":
      return finding(
        "fail",
        check,
        `a lock of ${trial.node} was not stamped in a dry run: the webhook is not reached`,
        remedy,
      );
    case "refused":
      return trial.by === "guard" || trial.text.includes("nodelatch.io")
        ? finding("fail", check, trial.text, remedy)
        : finding("skip", check, trial.text);
  }
}

function judgeUncordonTrial(fact: Fact<Trial>): Finding {
  const check = "guard-refuses";
  if (fact.kind === "unknown") return finding(fact.isForbidden ? "skip" : "fail", check, fact.why);
  const trial = fact.value;
  switch (trial.kind) {
    case "none":
      return finding("skip", check, trial.why);
    case "refused":
      if (trial.by === "guard")
        return finding("ok", check, `an uncordon of ${trial.node} was refused in a dry run`);
      return trial.text.includes("nodelatch.io")
        ? finding(
            "fail",
            check,
            trial.text,
            "refused all the same, but nobody can release; look at the webhook's pods",
          )
        : finding("skip", check, trial.text);
    case "allowed":
    case "stamped":
    case "unstamped":
      return finding(
        "fail",
        check,
        `an uncordon of ${trial.node}, which is locked, was allowed in a dry run`,
        "is guard.mode warn or off?",
      );
  }
}

export function judgeLocks(nodes: Fact<readonly NodeView[]>): Finding {
  if (nodes.kind === "unknown") return finding("skip", "locks", nodes.why);
  const locked = nodes.value.filter((node) => lockOn(node) !== undefined);
  const nobodys = locked.filter((node) => lockOn(node)?.kind !== "record").map(({ name }) => name);
  if (nobodys.length === 0)
    return finding("info", "locks", `${locked.length} of ${nodes.value.length} nodes are locked`);
  const remedy = "break such a lock: kubectl nodelatch unlock NODE --force --reason ...";
  return finding("warn", "locks", `locks without a known holder: ${nobodys.slice(0, 5).join(", ")}`, remedy);
}

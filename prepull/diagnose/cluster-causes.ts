/** Causes that stop a job as a whole, from the cluster's side. */
import { templateOf, readJob } from "../job.ts";
import { undecodableNumbers } from "../numbers.ts";
import { shown } from "../finding.ts";
import { endByTimeout, likely, sure, type Diagnosis } from "./diagnosis.ts";
import type { DiagnosisInput, JobStory } from "./story.ts";

/** KubeEdge takes a job up within seconds; a list that failed is tried again within 25 s (facts/kubeedge-observed.md A). */
const SOON_MILLIS = 60_000;

export function poison(story: JobStory, input: DiagnosisInput): readonly Diagnosis[] {
  const here = poisonOf(input.job);
  const found: Diagnosis[] = [];
  if (here !== undefined) found.push(sure("poison-here", [here.evidence], here.cure));
  if (story.job.ended) return found;
  const others = input.otherJobs.flatMap((raw) => poisonOf(raw) ?? []);
  const [first] = others;
  if (first !== undefined) {
    found.push(
      sure(
        "poison-elsewhere",
        others.map(({ evidence }) => evidence),
        first.cure,
      ),
    );
  }
  return found;
}

/** Never by stripping the finalizer: that crashed the controller-manager once its list came back. */
function poisonOf(raw: unknown): { readonly evidence: string; readonly cure: string } | undefined {
  const { name, spec } = readJob(raw);
  const found = [...undecodableNumbers(templateOf(spec))];
  if (found.length === 0) return undefined;
  const safe = Object.fromEntries(found.map(([field]) => [field, field === "timeoutSeconds" ? 300 : 1]));
  const patch = JSON.stringify({ spec: { imagePrePullTemplate: safe } });
  return {
    evidence: `${name}: ${found.map(([field, value]) => `${field}: ${shown(value)}`).join(", ")}`,
    cure: `kubectl patch imageprepulljob ${name} --type merge -p '${patch}'`,
  };
}

export function deletion(story: JobStory, { facts }: DiagnosisInput): readonly Diagnosis[] {
  const { job, deletingMillis } = story;
  if (!job.deleting || !job.hasFinalizer || (deletingMillis ?? 0) < SOON_MILLIS) return [];
  const evidence = [
    `deleted ${seconds(deletingMillis)} ago, finalizer still there`,
    managerWords(facts.controllerManager),
  ];
  return [likely("delete-hangs", evidence, "kubectl get deployment -n kubeedge kubeedge-controller-manager")];
}

/** Nothing happens: no status at all. */
export function notTakenUp(story: JobStory, { facts }: DiagnosisInput): readonly Diagnosis[] {
  if (story.job.phase !== "" || story.job.deleting) return [];
  const evidence = ["status is empty", managerWords(facts.controllerManager)];
  switch (facts.controllerManager) {
    case "missing": {
      const next = "install it: helm value controllerManager.enable=true of KubeEdge's cloudcore chart";
      return [sure("controller-manager-missing", evidence, next)];
    }
    case "not-ready":
      return [
        sure(
          "controller-manager-not-ready",
          evidence,
          "kubectl logs -n kubeedge deployment/kubeedge-controller-manager --tail=50",
        ),
      ];
    case "ready":
    case "unknown":
      if ((story.ageMillis ?? 0) < SOON_MILLIS) return [];
      return [
        likely(
          "not-taken-up",
          [...evidence, `created ${seconds(story.ageMillis)} ago`],
          "kubectl logs -n kubeedge deployment/kubeedge-controller-manager --tail=50 | grep -i 'failed to watch'",
        ),
      ];
  }
}

/** Taken up by the controller-manager, but dispatched to no node. */
export function notDispatched(story: JobStory, { facts }: DiagnosisInput): readonly Diagnosis[] {
  const { job, nodes } = story;
  const waiting = nodes.filter(({ phase }) => phase === "Pending");
  const open = job.phase === "Init" || job.phase === "InProgress";
  if (!open || waiting.length === 0) return [];
  const evidence = [`${waiting.length} of ${nodes.length} nodes are Pending`];
  if (facts.cloudTaskManager === "off") {
    evidence.push("cloudcore's modules.taskManager.enable is off");
    const next =
      "kubectl edit configmap -n kubeedge cloudcore, restart cloudcore, and create the job again under another name";
    return [sure("task-manager-off", evidence, next)];
  }
  const atWork = nodes.some(({ phase }) => phase === "InProgress");
  if (atWork || (story.quietMillis ?? 0) < SOON_MILLIS) return [];
  evidence.push(`no report for ${seconds(story.quietMillis)}`);
  if (facts.cloudTaskManager === "unknown")
    evidence.push("whether cloudcore's task manager is on is not known");
  const anyReport = nodes.some(({ actions }) => actions.length > 0);
  // Only the phase Init starts a job, once; nothing looks at it again (facts/kubeedge.md 1.4).
  if (!anyReport) return [likely("missed-start", evidence, endByTimeout(job.name))];
  return [likely("queue-lost", evidence, endByTimeout(job.name))];
}

function managerWords(state: DiagnosisInput["facts"]["controllerManager"]): string {
  switch (state) {
    case "ready":
      return "the controller-manager is ready";
    case "not-ready":
      return "the controller-manager has no ready replica";
    case "missing":
      return "there is no controller-manager";
    case "unknown":
      return "whether there is a controller-manager is not known";
  }
}

export function seconds(millis: number | undefined): string {
  return millis === undefined ? "an unknown time" : `${Math.floor(millis / 1_000)} s`;
}

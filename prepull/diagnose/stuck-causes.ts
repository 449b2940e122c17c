/** Causes that keep single nodes of a running job from ending. */
import { parseGoFloat } from "../tolerance.ts";
import { fieldsOf, templateOf, textOf } from "../job.ts";
import { someOf } from "../node-advice.ts";
import { seconds } from "./cluster-causes.ts";
import { endByTimeout, likely, sure, type Diagnosis } from "./diagnosis.ts";
import type { DiagnosisInput, JobStory, NodeStory } from "./story.ts";

/** A node answers a message within seconds; longer than this it won't. */
const SILENT_MILLIS = 60_000;
/** CheckTimeout looks every 10 s, and needs one reconcile more. */
const WATCHDOG_MILLIS = 30_000;

export function stuck(story: JobStory, input: DiagnosisInput): readonly Diagnosis[] {
  if (story.job.phase !== "InProgress" && story.job.phase !== "Init") return [];
  return [
    ...panics(story),
    ...duplicates(story),
    ...swapped(story),
    ...silentNodes(story, input),
    ...lostTimeout(story),
    ...noTimeout(story),
  ];
}

function panics({ job, nodes }: JobStory): readonly Diagnosis[] {
  const text = textOf(templateOf(job.spec)["failureTolerate"]);
  const value = parseGoFloat(text);
  const failed = nodes.filter(({ phase }) => phase === "Failure" || phase === "Unknown");
  if (value === undefined || Number.isFinite(value) || failed.length === 0) return [];
  const next = `kubectl patch imageprepulljob ${job.name} --type merge -p '{"spec":{"imagePrePullTemplate":{"failureTolerate":"0.1"}}}'`;
  return [sure("tolerance-panics", [`failureTolerate: ${JSON.stringify(text)}`, failedWords(failed)], next)];
}

function duplicates({ job, nodes }: JobStory): readonly Diagnosis[] {
  const seen = new Set<string>();
  const twice = nodes.filter(({ name }) => seen.size === seen.add(name).size);
  const open = twice.filter(({ phase }) => phase === "Pending" || phase === "InProgress");
  if (open.length === 0) return [];
  const evidence = [`${someOf(namesOf(open))} twice in nodeNames, the second entry ${open[0]?.phase ?? ""}`];
  return [sure("duplicate-node", evidence, endByTimeout(job.name))];
}

function swapped({ job, nodes }: JobStory): readonly Diagnosis[] {
  const found = nodes.filter(({ phase, actions }) => {
    const order = actions.map(({ action }) => action);
    return (
      phase === "InProgress" && order.includes("Pull") && order.lastIndexOf("Check") > order.indexOf("Pull")
    );
  });
  if (found.length === 0) return [];
  return [
    sure(
      "swapped-reports",
      [`${someOf(namesOf(found))}: Pull before Check in actionFlow`],
      endByTimeout(job.name),
    ),
  ];
}

function silentNodes(story: JobStory, { facts, events }: DiagnosisInput): readonly Diagnosis[] {
  const waiting = story.nodes.filter(({ phase }) => phase === "InProgress");
  const silent = waiting.filter(({ actions }) => actions.length === 0);
  const found: Diagnosis[] = [];
  const off = silent.filter(({ name }) => facts.nodes?.get(name)?.taskManager === "off");
  if (off.length > 0) {
    const evidence = [
      `${someOf(namesOf(off))}: InProgress without a report, and reports its task manager as off`,
    ];
    const next = `set modules.taskManager.enable: true in /etc/kubeedge/config/edgecore.yaml on ${off[0]?.name ?? "NODE"}, restart edgecore, and create the job again under another name`;
    found.push(sure("edge-task-manager-off", evidence, next));
  }
  const others = silent.filter((node) => !off.includes(node));
  if (others.length > 0 && (story.ageMillis ?? 0) >= SILENT_MILLIS) {
    const names = namesOf(others);
    const evidence = [`${someOf(names)}: InProgress without a report`, ...eventsOn(names, events)];
    for (const name of names.slice(0, 2)) {
      const fact = facts.nodes?.get(name);
      if (fact !== undefined && !fact.ready) evidence.push(`${name} is not Ready now`);
      else if (fact?.taskManager === "unknown")
        evidence.push(`whether ${name}'s task manager is on is not known`);
    }
    const next = `on ${names[0] ?? "NODE"}: grep -A1 taskManager /etc/kubeedge/config/edgecore.yaml; journalctl -u edgecore --since -1h`;
    found.push(likely("edge-silent", evidence, next));
  }
  const pulling = waiting.filter(({ actions }) => actions.length === 1 && actions[0]?.action === "Check");
  if (pulling.length > 0 && (story.quietMillis ?? 0) >= SILENT_MILLIS) {
    const names = namesOf(pulling);
    const evidence = [
      `${someOf(names)}: checked ${seconds(story.quietMillis)} ago, no result of the pull`,
      ...eventsOn(names, events),
    ];
    found.push(
      likely(
        "pull-hangs",
        evidence,
        `on ${names[0] ?? "NODE"}: journalctl -u containerd -u edgecore --since -1h`,
      ),
    );
  }
  return found;
}

function lostTimeout({ job, spec, quietMillis, nodes }: JobStory): readonly Diagnosis[] {
  const limitMillis = (spec.template?.timeoutSeconds ?? 0) * 1_000;
  const open = nodes.filter(({ phase }) => phase === "Pending" || phase === "InProgress");
  if (limitMillis === 0 || open.length === 0 || (quietMillis ?? 0) < limitMillis + WATCHDOG_MILLIS) return [];
  const evidence = [`timeoutSeconds: ${limitMillis / 1_000}, but no report for ${seconds(quietMillis)}`];
  // One update conflict ends the watchdog of a job (facts/kubeedge-observed.md A).
  return [
    likely(
      "timeout-lost",
      evidence,
      `kubectl delete imageprepulljob ${job.name}, then create it again under another name`,
    ),
  ];
}

function noTimeout({ job, spec }: JobStory): readonly Diagnosis[] {
  if (spec.template === undefined || spec.template.timeoutSeconds > 0) return [];
  const given = fieldsOf(templateOf(job.spec))["timeoutSeconds"];
  return [
    sure(
      "no-timeout",
      [`timeoutSeconds: ${given === undefined ? "not set" : JSON.stringify(given)}`],
      endByTimeout(job.name),
    ),
  ];
}

const TELLING_EVENTS: ReadonlySet<string> = new Set([
  "EvictionThresholdMet",
  "FreeDiskSpaceFailed",
  "ImageGCFailed",
  "NodeHasDiskPressure",
  "NodeNotReady",
  "Rebooted",
]);

export function eventsOn(names: readonly string[], events: DiagnosisInput["events"]): readonly string[] {
  return events
    .filter(({ node, reason }) => names.includes(node) && TELLING_EVENTS.has(reason))
    .slice(0, 3)
    .map(({ node, reason, message }) => `Event on ${node}: ${reason}: ${message}`);
}

export function namesOf(nodes: readonly NodeStory[]): readonly string[] {
  return [...new Set(nodes.map(({ name }) => name))];
}

export function failedWords(failed: readonly NodeStory[]): string {
  return `${failed.length} failed: ${someOf(namesOf(failed))}`;
}

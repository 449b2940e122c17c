/** Why nodes, and with them a job, have failed. The cause of most nodes first. */
import { someOf } from "../node-advice.ts";
import { shorten } from "../../lock/shorten.ts";
import { likely, sure, type Cause, type Diagnosis } from "./diagnosis.ts";
import { BAD_TARGET, FAILURE_TEXTS, OVER_TOLERANCE, TIMED_OUT } from "./failure-texts.ts";
import { eventsOn, failedWords, namesOf } from "./stuck-causes.ts";
import type { DiagnosisInput, JobStory, NodeStory } from "./story.ts";

const RECREATE = "create the job again under another name";
const QUOTED_CHARACTERS = 160;

export function failed(story: JobStory, input: DiagnosisInput): readonly Diagnosis[] {
  return [...badTarget(story), ...failedNodes(story, input), ...lateSuccess(story), ...overTolerance(story)];
}

function badTarget({ job, reason }: JobStory): readonly Diagnosis[] {
  if (job.phase !== "Failure" || !BAD_TARGET.test(reason)) return [];
  return [sure("bad-target", [reason], "correct nodeNames or labelSelector in a new job")];
}

interface Failure {
  readonly cause: Cause;
  readonly node: NodeStory;
  readonly text: string;
  readonly next: string;
}

function failedNodes(story: JobStory, { events, facts }: DiagnosisInput): readonly Diagnosis[] {
  const failures = story.nodes.flatMap((node) => failureOf(node, story) ?? []);
  // Not Map.groupBy: the command line runs on Node 20 too.
  const groups = new Map<Cause, Failure[]>();
  for (const failure of failures) {
    const group = groups.get(failure.cause);
    if (group === undefined) groups.set(failure.cause, [failure]);
    else group.push(failure);
  }
  return [...groups.values()]
    .toSorted((one, other) => other.length - one.length)
    .flatMap((group) => {
      const [first] = group;
      if (first === undefined) return [];
      const names = namesOf(group.map(({ node }) => node));
      const said = first.text === "" ? "no reason" : shorten(first.text, QUOTED_CHARACTERS);
      const evidence = [
        `${group.length} of ${story.nodes.length} nodes (${someOf(names)}): ${said}`,
        ...eventsOn(names, events),
      ];
      const { secret } = story.spec.template ?? {};
      if (first.cause === "credentials" && secret !== undefined) {
        const form = facts.secrets.get(secret.namespace)?.get(secret.name);
        const known = form === "auths" ? " has the form with auths, which KubeEdge reads as empty" : "";
        evidence.push(`imageSecrets: ${secret.namespace}/${secret.name}${known}`);
      } else if (first.cause === "credentials") evidence.push("there are no imageSecrets");
      const guess = first.cause === "not-connected" || first.cause === "pull-failed";
      const next = first.next.replaceAll("JOB", story.job.name);
      return [guess ? likely(first.cause, evidence, next) : sure(first.cause, evidence, next)];
    });
}

function failureOf(node: NodeStory, story: JobStory): Failure | undefined {
  if (node.phase !== "Failure" && node.phase !== "Unknown") return undefined;
  const reports = node.actions.filter(({ ok }) => !ok).map(({ reason }) => reason);
  const texts = [...node.imageReasons, ...reports, node.reason].filter((text) => text !== "");
  for (const text of texts) {
    const known = FAILURE_TEXTS.find(({ says }) => says.test(text));
    if (known !== undefined) return { ...known, node, text };
  }
  if (TIMED_OUT.test(node.reason)) return timedOut(node, story);
  const [text = ""] = texts;
  if (text !== "" || node.actions.length > 0) {
    const failedCheck = node.actions.some(({ action, ok }) => action === "Check" && !ok);
    const next = `on ${node.name}: journalctl -u edgecore -u containerd --since -1h`;
    return { cause: failedCheck ? "check-failed" : "pull-failed", node, text, next };
  }
  const next = `kubectl logs -n kubeedge deployment/cloudcore | grep ${node.name}; then ${RECREATE}`;
  return { cause: "not-connected", node, text, next };
}

function timedOut(node: NodeStory, { spec }: JobStory): Failure {
  const { timeoutSeconds = 0, concurrency = 1 } = spec.template ?? {};
  const text = `${node.reason} (timeoutSeconds: ${timeoutSeconds}, concurrency: ${concurrency})`;
  if (node.actions.length === 0) {
    const next =
      "a new job with more concurrency or a longer timeoutSeconds: the wait for a free place counts";
    return { cause: "timed-out-waiting", node, text, next };
  }
  return {
    cause: "timed-out",
    node,
    text,
    next: "a new job with a longer timeoutSeconds; what was pulled stays",
  };
}

function lateSuccess({ job, nodes }: JobStory): readonly Diagnosis[] {
  const late = nodes.filter(({ phase, reason }) => phase === "Successful" && TIMED_OUT.test(reason));
  if (job.phase !== "Failure" || late.length === 0) return [];
  return [
    sure(
      "late-success",
      [`${someOf(namesOf(late))}: Successful, with the reason of a timeout`],
      "nothing; the images are there",
    ),
  ];
}

function overTolerance({ job, reason, nodes }: JobStory): readonly Diagnosis[] {
  if (job.phase !== "Failure" || !OVER_TOLERANCE.test(reason)) return [];
  const bad = nodes.filter(({ phase }) => phase === "Failure" || phase === "Unknown");
  return [
    sure(
      "over-tolerance",
      [reason, failedWords(bad)],
      `failureTolerate: "0.1" in a new job, or mend the nodes`,
    ),
  ];
}

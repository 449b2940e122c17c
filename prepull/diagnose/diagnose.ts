/** From a job and what is known around it to ranked causes. Pure and total; the caller gathers and prints. */
import { deletion, notDispatched, notTakenUp, poison } from "./cluster-causes.ts";
import { sure, type Diagnosis } from "./diagnosis.ts";
import { failed } from "./failed-causes.ts";
import { readStory, type DiagnosisInput, type JobStory } from "./story.ts";
import { stuck } from "./stuck-causes.ts";

/** Rules whose breach lets KubeEdge report Completed without having pulled. */
const NOTHING_PULLED: ReadonlySet<string> = new Set(["images-missing", "image-empty", "retries-negative"]);

/**
 * At least one, the most likely first: what stops every job, then what stops this one, then what its nodes say. What
 * is known for sure stands before what only fits, within each of these.
 */
export function diagnose(input: DiagnosisInput): readonly [Diagnosis, ...Diagnosis[]] {
  const story = readStory(input.job, input.nowMillis);
  const ranked = [
    poison(story, input),
    deletion(story, input),
    notTakenUp(story, input),
    surestFirst([...stuck(story, input), ...notDispatched(story, input)]),
    failed(story, input),
    nothingPulled(story),
  ].flat();
  // Never a cause by itself: it only says why a job that hangs does not end.
  const causes = ranked.filter(({ cause }) => cause !== "no-timeout");
  const [first, ...more] = [...causes, ...ranked.filter(({ cause }) => cause === "no-timeout")];
  return first === undefined || (causes.length === 0 && !story.job.ended)
    ? [healthy(story), ...ranked]
    : [first, ...more];
}

function surestFirst(found: readonly Diagnosis[]): readonly Diagnosis[] {
  return found.toSorted((one, other) => Number(other.sure) - Number(one.sure));
}

function nothingPulled({ job, spec }: JobStory): readonly Diagnosis[] {
  const why = spec.findings.filter(({ rule }) => NOTHING_PULLED.has(rule));
  if (job.phase !== "Completed" || why.length === 0) return [];
  const evidence = why.map(({ path, shown = "not given" }) => `${path}: ${shown}`);
  return [sure("nothing-pulled", evidence, "correct it in a new job")];
}

function healthy({ job, nodes }: JobStory): Diagnosis {
  const done = nodes.filter(({ phase }) => phase === "Successful").length;
  const evidence = [
    `phase ${job.phase === "" ? "not set yet" : job.phase}, ${done} of ${nodes.length} nodes Successful`,
  ];
  if (job.ended) return sure("ended-well", evidence, `kubectl get imageprepulljob ${job.name} -o yaml`);
  return sure("in-progress", evidence, `kubectl get imageprepulljob ${job.name} -w`);
}

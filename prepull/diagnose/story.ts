/** What a job's status tells, read from raw JSON of v1alpha2 (facts/kubeedge.md 1.3). Total over any value. */
import { parseTime } from "../../lock/record.ts";
import type { ClusterFacts } from "../facts.ts";
import { fieldsOf, listOf, readJob, textOf, type JobView } from "../job.ts";
import { checkSpec, type SpecCheck } from "../spec.ts";

export interface ActionStory {
  /** `Check` or `Pull`. */
  readonly action: string;
  readonly ok: boolean;
  readonly reason: string;
  readonly atMillis: number | undefined;
}

export interface NodeStory {
  readonly name: string;
  /** Pending, InProgress, Successful, Failure, Unknown. */
  readonly phase: string;
  readonly reason: string;
  /** In the order in which the reports came in. */
  readonly actions: readonly ActionStory[];
  /** Reasons of images that failed. */
  readonly imageReasons: readonly string[];
}

export interface JobStory {
  readonly job: JobView;
  readonly spec: SpecCheck;
  readonly reason: string;
  readonly nodes: readonly NodeStory[];
  /** Undefined where a time is missing. */
  readonly ageMillis: number | undefined;
  readonly deletingMillis: number | undefined;
  /** Since the last report of any node, or since the creation. */
  readonly quietMillis: number | undefined;
}

/** An Event about a node. */
export interface NodeEvent {
  readonly node: string;
  readonly reason: string;
  readonly message: string;
}

export interface DiagnosisInput {
  /** The job as the API server sends it through v1alpha2. */
  readonly job: unknown;
  /** Every other ImagePrePullJob; one of them may stop all. */
  readonly otherJobs: readonly unknown[];
  readonly facts: ClusterFacts;
  readonly events: readonly NodeEvent[];
  readonly nowMillis: number;
}

export function readStory(raw: unknown, nowMillis: number): JobStory {
  const job = readJob(raw);
  const metadata = fieldsOf(fieldsOf(raw)["metadata"]);
  const status = fieldsOf(fieldsOf(raw)["status"]);
  const nodes = listOf(status["nodeStatus"]).map(readNode);
  const since = (time: unknown): number | undefined => {
    const at = parseTime(textOf(time));
    return at === undefined ? undefined : Math.max(nowMillis - at, 0);
  };
  const ageMillis = since(metadata["creationTimestamp"]);
  const reports = nodes.flatMap(({ actions }) => actions.flatMap(({ atMillis }) => atMillis ?? []));
  return {
    job,
    spec: checkSpec(job.spec),
    reason: textOf(status["reason"]),
    nodes,
    ageMillis,
    deletingMillis: since(metadata["deletionTimestamp"]),
    quietMillis:
      reports.length === 0 ? ageMillis : Math.max(nowMillis - reports.reduce((a, b) => Math.max(a, b)), 0),
  };
}

function readNode(raw: unknown): NodeStory {
  const node = fieldsOf(raw);
  return {
    name: textOf(node["nodeName"]),
    phase: textOf(node["phase"]),
    reason: textOf(node["reason"]),
    actions: listOf(node["actionFlow"]).map(readAction),
    imageReasons: listOf(node["imageStatus"])
      .map(fieldsOf)
      .filter(({ status }) => status !== "True")
      .map(({ reason }) => textOf(reason))
      .filter((reason) => reason !== ""),
  };
}

function readAction(raw: unknown): ActionStory {
  const action = fieldsOf(raw);
  return {
    action: textOf(action["action"]),
    ok: action["status"] === "True",
    reason: textOf(action["reason"]),
    atMillis: parseTime(textOf(action["time"])),
  };
}

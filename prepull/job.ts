/** The few facts of an ImagePrePullJob that decide, read from raw JSON of either version. Total over any value. */
import { isFields, type Fields } from "./shape.ts";

/** Set by KubeEdge's v1alpha2 controller before anything else (facts/kubeedge.md 1.4). */
export const KUBEEDGE_FINALIZER = "kubeedge.io/imageprepulljob-controller";

/** The version that stores the status; v1alpha1 requests see the job without it. */
const STATUS_API_VERSION = "operations.kubeedge.io/v1alpha2";

/** Final phases of v1alpha2, and final states of v1alpha1. */
const ENDED: ReadonlySet<string> = new Set(["Completed", "Failure", "Successful", "Failed"]);

export interface JobView {
  readonly name: string;
  readonly spec: unknown;
  /** metadata.deletionTimestamp is set. */
  readonly deleting: boolean;
  /** v1alpha2 `status.phase`, else v1alpha1 `status.state`; "" = nothing has taken the job up. */
  readonly phase: string;
  readonly ended: boolean;
  readonly hasFinalizer: boolean;
  /**
   * The v1alpha2 controller has this job. Its status can't tell that to a v1alpha1 request, which gets it pruned
   * (facts/kubeedge-observed.md C), but the finalizer and managedFields survive.
   */
  readonly isV1alpha2: boolean;
}

export function readJob(raw: unknown): JobView {
  const job = fieldsOf(raw);
  const metadata = fieldsOf(job["metadata"]);
  const status = fieldsOf(job["status"]);
  const phase = textOf(status["phase"]);
  const hasFinalizer = listOf(metadata["finalizers"]).includes(KUBEEDGE_FINALIZER);
  const wroteStatus = listOf(metadata["managedFields"]).some((entry) => {
    const { apiVersion, subresource } = fieldsOf(entry);
    return apiVersion === STATUS_API_VERSION && subresource === "status";
  });
  const shownPhase = phase === "" ? textOf(status["state"]) : phase;
  return {
    name: textOf(metadata["name"]) || textOf(metadata["generateName"]),
    spec: job["spec"],
    deleting: (metadata["deletionTimestamp"] ?? null) !== null,
    phase: shownPhase,
    ended: ENDED.has(shownPhase),
    hasFinalizer,
    isV1alpha2: hasFinalizer || wroteStatus || phase !== "",
  };
}

/** `spec.imagePrePullTemplate`, or no fields at all. */
export function templateOf(spec: unknown): Fields {
  return fieldsOf(fieldsOf(spec)["imagePrePullTemplate"]);
}

export function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {};
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/**
 * AdmissionReview (admission.k8s.io/v1), reduced to what Nodelatch decides from.
 * Parsing is split from HTTP so that a large body can be parsed in a worker thread and only this small result
 * crosses back.
 */
import type { Operation as JsonPatchOperation } from "fast-json-patch";
import type { NodeView } from "../lock/node.ts";
import type { JobView } from "../prepull/job.ts";

/** Who sent the request, as the API server says; never taken from the object. */
export interface Caller {
  readonly username: string;
  readonly uid: string;
  readonly groups: readonly string[];
  /** e.g. `authentication.kubernetes.io/node-name` -> ["n1"] for a pod-bound token (KEP-4193). */
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** What any review carries, whatever it is about. */
export interface ReviewEnvelope {
  /** The review's own apiVersion, echoed in the answer. */
  readonly apiVersion: "admission.k8s.io/v1";
  readonly uid: string;
  readonly operation: "CREATE" | "UPDATE" | "DELETE" | "CONNECT";
  /** "" for the main resource. */
  readonly subresource: string;
  readonly dryRun: boolean;
  readonly caller: Caller;
}

/** A review of a Node; `old` is null on CREATE, `node` is null on DELETE. */
export interface NodeReview extends ReviewEnvelope {
  readonly old: NodeView | null;
  readonly node: NodeView | null;
}

/** A review of an ImagePrePullJob; `old` is null on CREATE, `job` is null on DELETE. */
export interface JobReview extends ReviewEnvelope {
  /** API version in which the client sent it, e.g. `v1alpha1`. */
  readonly version: string;
  readonly old: JobView | null;
  readonly job: JobView | null;
}

export type Review = NodeReview | JobReview;

/** What a webhook answers. `decision` is the metric label and log field: one of a few words, never free text. */
export type Verdict =
  | {
      readonly kind: "allow";
      readonly decision: string;
      /** Each at most 120 characters (KEP-1693 asks for short ones; longer may be cut). */
      readonly warnings: readonly string[];
      readonly audit: Readonly<Record<string, string>>;
      /** Mutating webhooks only. Empty = no patch. */
      readonly patch: readonly JsonPatchOperation[];
    }
  | {
      readonly kind: "refuse";
      readonly decision: string;
      readonly code: 400 | 403 | 413 | 422;
      readonly reason: "BadRequest" | "Forbidden" | "RequestEntityTooLarge" | "Invalid";
      readonly message: string;
      readonly warnings: readonly string[];
      readonly audit: Readonly<Record<string, string>>;
    };

/** A webhook: from a parsed review to a verdict. A throw is answered with 500, counted and logged. */
export type NodeReviewHandler = (review: NodeReview, signal: AbortSignal) => Verdict | Promise<Verdict>;

/** The same for jobs. */
export type JobReviewHandler = (review: JobReview, signal: AbortSignal) => Verdict | Promise<Verdict>;

/** Either, as a server sees it. */
export type ReviewHandler = (review: Review, signal: AbortSignal) => Verdict | Promise<Verdict>;

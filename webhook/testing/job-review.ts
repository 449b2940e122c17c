/** AdmissionReviews of ImagePrePullJobs as an API server sends them, for tests. */
import { reviewBody, type Json } from "./review-body.ts";

export const JOB = {
  apiVersion: "operations.kubeedge.io/v1alpha2",
  kind: "ImagePrePullJob",
  metadata: { name: "pull1", uid: "6f2b1c9e-6a0e-4ab6-9a0b-000000000002" },
  spec: {
    imagePrePullTemplate: {
      images: ["docker.io/library/nginx:1.27"],
      nodeNames: ["edge1"],
      timeoutSeconds: 300,
    },
  },
} as const;

/** The same job with fields of its template changed. */
export function jobWith(
  template: Readonly<Record<string, Json>>,
  more: Readonly<Record<string, Json>> = {},
): Json {
  return {
    ...JOB,
    spec: { imagePrePullTemplate: { ...JOB.spec.imagePrePullTemplate, ...template } },
    ...more,
  };
}

/** A CREATE of `job` through v1alpha2, unless `change` says otherwise. */
export function jobReviewBody(job: Json, change: Record<string, Json | undefined> = {}): string {
  const version = { group: "operations.kubeedge.io", version: "v1alpha2" };
  const kind = { ...version, kind: "ImagePrePullJob" };
  const resource = { ...version, resource: "imageprepulljobs" };
  return reviewBody({
    kind,
    resource,
    requestKind: kind,
    requestResource: resource,
    name: "pull1",
    operation: "CREATE",
    object: job,
    oldObject: null,
    ...change,
  });
}

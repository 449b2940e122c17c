import { expect, test } from "vitest";
import { NO_FACTS } from "../prepull/facts.ts";
import { KUBEEDGE_FINALIZER } from "../prepull/job.ts";
import { parseReview } from "./parse-review.ts";
import { createPrepull } from "./prepull.ts";
import { call, readAnswer } from "./testing/call.ts";
import { JOB, jobReviewBody, jobWith } from "./testing/job-review.ts";
import { reviewBody } from "./testing/review-body.ts";
import { ALLOW, startWebhook } from "./testing/webhook-server.ts";

const prepull = createPrepull({
  settings: { mode: "enforce", warnOnly: new Set(), controllers: new Set() },
  facts: () => NO_FACTS,
});

/** Typed, as vitest's own is any. */
function containing(text: string): unknown {
  return expect.stringContaining(text);
}

function answer(body: string) {
  const parsed = parseReview(body);
  if (parsed.kind === "bad") throw new Error(parsed.message);
  if (!("job" in parsed.review)) throw new Error("expected a review of a job");
  return prepull(parsed.review, new AbortController().signal);
}

test("a good job", () => {
  const allowed = {
    kind: "allow",
    decision: "accepted",
    warnings: [],
    audit: { decision: "accepted" },
    patch: [],
  };
  expect(answer(jobReviewBody(JOB))).toEqual(allowed);
});

test("a bad one, with a warning beside the errors", () => {
  const body = jobReviewBody(jobWith({ timeoutSeconds: -1, images: ["nginx"] }));
  expect(answer(body)).toMatchObject({
    kind: "refuse",
    decision: "refused",
    code: 422,
    reason: "Invalid",
    message: containing(
      'ImagePrePullJob.operations.kubeedge.io "pull1" is invalid: spec.imagePrePullTemplate.timeoutSeconds: Invalid value: -1: ',
    ),
    warnings: [
      'nodelatch: images[0] "nginx": a node that has one keeps it, however old; give a fixed tag or digest',
    ],
    audit: { decision: "refused", rules: "number-range,image-tag-moves" },
  });
});

test("-0 as the API server writes it for -0.0", () => {
  const body = jobReviewBody(JOB).replace('"timeoutSeconds":300', '"timeoutSeconds":-0');
  expect(answer(body)).toMatchObject({
    kind: "refuse",
    message: containing("Invalid value: -0: "),
  });
});

test("the version is that of the request as it was sent, also where the API server has converted it", () => {
  const old = { ...JOB, metadata: { ...JOB.metadata, finalizers: [KUBEEDGE_FINALIZER] } };
  const sentAs = (version: string): string =>
    jobReviewBody(old, {
      operation: "UPDATE",
      oldObject: old,
      requestResource: { group: "operations.kubeedge.io", version, resource: "imageprepulljobs" },
    });
  expect(answer(sentAs("v1alpha2"))).toMatchObject({ decision: "spec-untouched" });
  expect(answer(sentAs("v1alpha1"))).toMatchObject({ kind: "refuse", audit: { rules: "old-version-write" } });
});

test("a delete is allowed, and needs no object", () => {
  const bad = jobWith({ timeoutSeconds: -1 });
  expect(answer(jobReviewBody(null, { operation: "DELETE", oldObject: bad }))).toMatchObject({
    decision: "delete",
  });
});

test.each([
  [
    "no object on CREATE",
    jobReviewBody(null),
    "request.object: expected an ImagePrePullJob on CREATE, got null",
  ],
  [
    "no old object on UPDATE",
    jobReviewBody(JOB, { operation: "UPDATE" }),
    "request.oldObject: expected an ImagePrePullJob on UPDATE, got null",
  ],
  ["a text for an object", jobReviewBody("x"), 'request.object: expected an object, got "x"'],
  [
    "another kind",
    jobReviewBody(JOB, { kind: { group: "", version: "v1", kind: "Node" } }),
    'request.kind: expected operations.kubeedge.io ImagePrePullJob, got "/v1/Node"',
  ],
  [
    "a version that is not known",
    jobReviewBody(JOB, {
      resource: { group: "operations.kubeedge.io", version: "v1", resource: "imageprepulljobs" },
    }),
    "request.resource: expected core/v1 nodes or operations.kubeedge.io imageprepulljobs",
  ],
])("%s is a bad request", (_name, body, message) => {
  expect(parseReview(body)).toMatchObject({
    kind: "bad",
    code: 400,
    message: containing(message),
  });
});

test("over HTTPS: small and large, and each path only for what it is for", async () => {
  const { port } = await startWebhook(undefined, {
    webhooks: {
      "/guard": { webhook: "guard.nodelatch.io", handle: () => ALLOW },
      "/prepull": { webhook: "prepull.nodelatch.io", about: "imageprepulljobs", handle: prepull },
    },
  });
  const ask = async (path: string, body: string) => readAnswer((await call(port, path, body)).text);
  expect(await ask("/prepull", jobReviewBody(JOB))).toMatchObject({ allowed: true });
  const nodeNames = Array.from({ length: 5_000 }, (_, at) => `edge-site-number-${at}`);
  expect(await ask("/prepull", jobReviewBody(jobWith({ nodeNames })))).toMatchObject({ allowed: true });
  const twice = jobReviewBody(jobWith({ nodeNames: [...nodeNames, "edge-site-number-7"] }));
  expect(await ask("/prepull", twice)).toMatchObject({
    allowed: false,
    code: 422,
    reason: "Invalid",
    message: containing("already at nodeNames[7]"),
  });
  const wrongPath = { allowed: false, code: 400, message: containing("this path reviews ") };
  expect(await ask("/prepull", reviewBody())).toMatchObject(wrongPath);
  expect(await ask("/guard", jobReviewBody(JOB))).toMatchObject(wrongPath);
});

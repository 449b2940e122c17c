import { describe, expect, test } from "vitest";
import { decide, type Decision, type JobRequest, type PrepullSettings } from "./decide.ts";
import { factsWith, named, nodeFact, rawJob, specWith } from "./fixture.ts";
import { NO_FACTS } from "./facts.ts";
import { KUBEEDGE_FINALIZER, readJob } from "./job.ts";

const CONTROLLER = "system:serviceaccount:kubeedge:controller-manager";
const settings: PrepullSettings = {
  mode: "enforce",
  warnOnly: new Set(),
  controllers: new Set([CONTROLLER]),
};
const FINALIZED = { finalizers: [KUBEEDGE_FINALIZER] };
const RUNNING = { status: { phase: "InProgress" }, metadata: FINALIZED };
const DONE = { status: { phase: "Completed" }, metadata: FINALIZED };
const FINALIZED_JOB = { metadata: FINALIZED };
const BAD = specWith({ images: [] });
const POISON = specWith({ timeoutSeconds: -1 });

type Part = Parameters<typeof rawJob>[0];

function request(old: Part | null, job: Part | null, more: Partial<JobRequest> = {}): JobRequest {
  return {
    version: "v1alpha2",
    subresource: "",
    username: "alice",
    old: old === null ? null : readJob(rawJob(old)),
    job: job === null ? null : readJob(rawJob(job)),
    ...more,
  };
}

function told(decision: Decision): string {
  if (decision.kind === "refuse") return `refuse: ${named(decision.errors).join(", ")}`;
  return [decision.why, ...named(decision.warnings)].join(", ");
}

const decided = (asked: JobRequest): string => told(decide(asked, settings, NO_FACTS));

describe("CREATE", () => {
  test.each<[string, Part, string]>([
    ["a good job", {}, "accepted"],
    ["a bad one", { spec: BAD }, "refuse: images-missing images"],
    ["a poisonous one", { spec: POISON }, "refuse: number-range timeoutSeconds"],
    ["one that only warns", { spec: specWith({ images: ["nginx"] }) }, "accepted, image-tag-moves images[0]"],
  ])("%s: %s", (_name, job, expected) => {
    expect(decided(request(null, job))).toBe(expected);
    expect(decided(request(null, job, { version: "v1alpha1" }))).toBe(expected);
  });
});

describe("DELETE is never refused", () => {
  test.each<Part>([{}, { spec: BAD }, { spec: POISON, ...RUNNING }])("%j", (old) => {
    expect(decided(request(old, null))).toBe("delete");
    expect(decided(request(old, null, { version: "v1alpha1" }))).toBe("delete");
  });
});

const NAME2 = specWith({ nodeNames: ["edge2"] });
const TOLERANT = specWith({ failureTolerate: "0.5" });

describe("UPDATE", () => {
  test.each<[string, Part, Part, string]>([
    ["labels of a bad job", { spec: BAD }, { spec: BAD, metadata: { labels: { a: "b" } } }, "spec-untouched"],
    ["spec before the start", {}, { spec: NAME2 }, "accepted"],
    ["spec made bad", {}, { spec: BAD }, "refuse: images-missing images"],
    ["spec made poisonous", {}, { spec: POISON }, "refuse: number-range timeoutSeconds"],
    [
      "spec made poisonous while being deleted",
      deleting({}),
      deleting({ spec: POISON }),
      "refuse: number-range timeoutSeconds",
    ],
    [
      "one of two faults mended",
      { spec: specWith({ images: [], failureTolerate: "x" }) },
      { spec: BAD },
      "accepted",
    ],
    [
      "one fault turned into another",
      { spec: BAD },
      { spec: specWith({ images: [""] }) },
      "refuse: image-empty images[0]",
    ],
    ["nodes of a running job", RUNNING, { ...RUNNING, spec: NAME2 }, "refuse: spec-frozen spec"],
    ["tolerance of a running job", RUNNING, { ...RUNNING, spec: TOLERANT }, "accepted"],
    ["tolerance of an ended job", DONE, { ...DONE, spec: TOLERANT }, "refuse: spec-frozen spec"],
    [
      "tolerance of an ended v1alpha1 job",
      { status: { state: "Successful" } },
      { status: { state: "Successful" }, spec: TOLERANT },
      "refuse: spec-frozen spec",
    ],
    ["a timeout for a job that hangs on a duplicate", hanging(undefined), hanging(300), "accepted"],
    ["finalizer removed while deleting", deleting(FINALIZED_JOB), deleting({}), "spec-untouched"],
    [
      "finalizer removed from a poisonous job",
      { spec: POISON, metadata: FINALIZED },
      { spec: POISON },
      "spec-untouched, finalizer-stripped metadata.finalizers",
    ],
    [
      "labels of a poisonous job with a finalizer",
      { spec: POISON, metadata: FINALIZED },
      { spec: POISON, metadata: { ...FINALIZED, labels: {} } },
      "spec-untouched",
    ],
    [
      "labels of a poisonous job without",
      { spec: POISON },
      { spec: POISON, metadata: { labels: {} } },
      "spec-untouched",
    ],
    ["poison cured", { spec: POISON }, {}, "cure"],
    [
      "poison cured after the start",
      { spec: POISON, ...RUNNING },
      { ...RUNNING, spec: NAME2 },
      "cure, spec-frozen spec",
    ],
    [
      "poison cured, spec still bad",
      { spec: specWith({ timeoutSeconds: -1 }) },
      { spec: BAD },
      "cure, images-missing images",
    ],
    [
      "one of two poisons cured",
      { spec: specWith({ timeoutSeconds: -1, concurrency: 3e9 }) },
      { spec: specWith({ concurrency: 3e9 }) },
      "cure",
    ],
    [
      "one poison for another",
      { spec: POISON },
      { spec: specWith({ concurrency: 3e9 }) },
      "refuse: number-range concurrency",
    ],
    [
      "one of two poisons cured, the other changed",
      { spec: specWith({ timeoutSeconds: -1, concurrency: 3e9 }) },
      { spec: specWith({ concurrency: 4e9 }) },
      "refuse: number-range concurrency",
    ],
  ])("%s", (_name, old, job, expected) => {
    expect(decided(request(old, job))).toBe(expected);
  });

  test("a frozen change names the fields and the phase", () => {
    const decision = decide(request(RUNNING, { ...RUNNING, spec: NAME2 }), settings, NO_FACTS);
    expect(decision).toMatchObject({
      errors: [{ text: "the job is InProgress; nodeNames can't change any more" }],
    });
  });
});

describe("v1alpha1", () => {
  const v1 = { version: "v1alpha1" };
  const MANAGED = {
    managedFields: [{ apiVersion: "operations.kubeedge.io/v1alpha2", subresource: "status" }],
  };
  test.each<[string, Part, Part, string]>([
    [
      "annotating what v1alpha2 runs (finalizer)",
      { metadata: FINALIZED },
      { metadata: { ...FINALIZED, annotations: {} } },
      "refuse: old-version-write apiVersion",
    ],
    [
      "annotating what v1alpha2 runs (managedFields)",
      { metadata: MANAGED },
      { metadata: MANAGED },
      "refuse: old-version-write apiVersion",
    ],
    ["annotating what nobody runs", {}, { metadata: { annotations: {} } }, "spec-untouched"],
    [
      "annotating what v1alpha1 runs",
      { status: { state: "Pulling" } },
      { status: { state: "Pulling" } },
      "spec-untouched",
    ],
    [
      "removing the finalizer of what is being deleted",
      deleting(FINALIZED_JOB),
      deleting({}),
      "spec-untouched",
    ],
    [
      "curing what v1alpha2 runs",
      { spec: POISON, metadata: FINALIZED },
      { metadata: FINALIZED },
      "cure, old-version-write apiVersion",
    ],
  ])("%s", (_name, old, job, expected) => {
    expect(decided(request(old, job, v1))).toBe(expected);
  });

  test("a status write is refused too, but not by KubeEdge", () => {
    const status = { ...v1, subresource: "status" };
    expect(decided(request(RUNNING, {}, status))).toBe(
      "refuse: old-version-write apiVersion, phase-cleared status.phase",
    );
    expect(decided(request(RUNNING, {}, { ...status, username: CONTROLLER }))).toBe("controller");
  });
});

describe("status", () => {
  test.each([
    ["InProgress", "", "refuse: phase-cleared status.phase"],
    ["Completed", "", "refuse: phase-cleared status.phase"],
    ["Completed", "Init", "refuse: phase-cleared status.phase"],
    ["Completed", "InProgress", "accepted"],
    ["Init", "Init", "accepted"],
    ["Init", "", "refuse: phase-cleared status.phase"],
    ["Init", "InProgress", "accepted"],
    ["", "Init", "accepted"],
    ["", "", "accepted"],
  ])("from %j to %j by a person: %s", (from, to, expected) => {
    const [old, job] = [{ status: { phase: from } }, { status: { phase: to } }];
    expect(decided(request(old, job, { subresource: "status" }))).toBe(expected);
    expect(decided(request(old, job, { subresource: "status", username: CONTROLLER }))).toBe("controller");
    expect(decided(request(deleting(old), deleting(job), { subresource: "status" }))).toBe("accepted");
  });
});

test("modes, and single rules that only warn", () => {
  const asked = request(null, { spec: specWith({ images: [], timeoutSeconds: -1 }) });
  const as = (part: Partial<PrepullSettings>): string =>
    told(decide(asked, { ...settings, ...part }, NO_FACTS));
  expect(as({})).toBe("refuse: number-range timeoutSeconds, images-missing images");
  expect(as({ mode: "warn" })).toBe("mode-warn, number-range timeoutSeconds, images-missing images");
  expect(as({ mode: "off" })).toBe("mode-off");
  expect(as({ warnOnly: new Set(["images-missing"]) })).toBe("refuse: number-range timeoutSeconds");
  expect(as({ warnOnly: new Set(["images-missing", "number-range"]) })).toBe(
    "accepted, number-range timeoutSeconds, images-missing images",
  );
});

test("the cluster's state counts on CREATE and on a change of the spec, and only once", () => {
  const facts = factsWith({ nodes: [nodeFact("edge2")], cloudTaskManager: "off" });
  expect(told(decide(request(null, {}), settings, facts))).toBe("refuse: nodes-unusable nodeNames");
  expect(told(decide(request(null, { spec: NAME2 }), settings, facts))).toBe(
    "accepted, task-manager-off ConfigMap kubeedge/cloudcore",
  );
  expect(told(decide(request({}, { metadata: { labels: {} } }), settings, facts))).toBe("spec-untouched");
  expect(told(decide(request({ spec: NAME2 }, {}), settings, facts))).toBe(
    "refuse: nodes-unusable nodeNames",
  );
});

function deleting(part: NonNullable<Part>): NonNullable<Part> {
  return { ...part, metadata: { ...part.metadata, deletionTimestamp: "2026-11-21T09:00:00Z" } };
}

function hanging(timeoutSeconds: number | undefined): NonNullable<Part> {
  return { ...RUNNING, spec: specWith({ nodeNames: ["edge1", "edge1"], timeoutSeconds }) };
}

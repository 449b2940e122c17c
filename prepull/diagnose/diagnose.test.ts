import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { makeDice } from "../../program/testing/dice.ts";
import type { ClusterFacts, SecretForm } from "../facts.ts";
import { factsWith, nodeFact, rawJob, specWith } from "../fixture.ts";
import { fieldsOf, KUBEEDGE_FINALIZER, listOf, textOf } from "../job.ts";
import { diagnose } from "./diagnose.ts";
import { CAUSES } from "./diagnosis.ts";
import type { DiagnosisInput } from "./story.ts";

const WORDS: Readonly<Record<string, unknown>> = {
  CHECK: { action: "Check", status: "True", time: "2026-11-21T12:00:05Z" },
  PULL: { action: "Pull", status: "True", time: "2026-11-21T12:00:09Z" },
  FAILED_PULL: { action: "Pull", status: "False", time: "2026-11-21T12:00:09Z" },
  OVER: "the number of failed nodes is 1/1, which exceeds the failure tolerance threshold",
};

const stuckJobs = parseAllDocuments(readFileSync(new URL("stuck-jobs.yaml", import.meta.url), "utf8"))
  .map((document) => fieldsOf(document.toJS()))
  .map((raw) => ({
    title: textOf(raw["title"]),
    first: textOf(raw["first"]),
    next: raw["next"],
    never: raw["never"],
    says: raw["says"],
    unsaid: raw["unsaid"],
    input: inputOf(raw),
  }));

test("there are at least twenty", () => {
  expect(stuckJobs.length).toBeGreaterThanOrEqual(20);
});

test.each(stuckJobs)("$title: $first", ({ first, next, never, says, unsaid, input }) => {
  const found = diagnose(input);
  expect(found[0]).toMatchObject({ cause: first });
  expect(next ?? found[0].next).toBe(found[0].next);
  expect(found.map(({ cause }) => cause)).not.toContain(never ?? "nothing");
  expect(found[0].evidence).toContain(says ?? found[0].evidence[0]);
  expect(found[0].evidence).not.toContain(unsaid ?? "nothing");
  expect(found.flatMap(({ evidence }) => evidence.filter((text) => text === ""))).toEqual([]);
});

test("every cause is told for some job", () => {
  const told: ReadonlySet<string> = new Set(
    stuckJobs.flatMap(({ input }) => diagnose(input).map(({ cause }) => cause)),
  );
  expect(Object.keys(CAUSES).filter((cause) => !told.has(cause))).toEqual([]);
});

test("a job that stands still for want of a report says that it has no timeout, but last", () => {
  const swapped = stuckJobs.find(({ first }) => first === "swapped-reports");
  expect(swapped === undefined ? [] : diagnose(swapped.input).map(({ cause }) => cause)).toEqual([
    "swapped-reports",
    "no-timeout",
  ]);
});

test("the evidence for credentials says what the Secret has", () => {
  const login = stuckJobs.find(({ title }) => title.includes("docker-registry"));
  expect(login === undefined ? [] : diagnose(login.input)[0].evidence).toContain(
    "imageSecrets: default/regcred has the form with auths, which KubeEdge reads as empty",
  );
});

test("no status of any shape throws", () => {
  const dice = makeDice(20);
  const pool: unknown[] = [null, "", "Failure", "InProgress", 7, [], {}, ...Object.values(WORDS)];
  for (let round = 0; round < 2_000; round += 1) {
    const pick = (): unknown => pool[Math.floor(dice() * pool.length)];
    const node = {
      nodeName: pick(),
      phase: pick(),
      reason: pick(),
      actionFlow: [pick(), pick()],
      imageStatus: pick(),
    };
    const status =
      dice() < 0.1
        ? pick()
        : { phase: pick(), reason: pick(), nodeStatus: dice() < 0.1 ? pick() : [node, node, pick()] };
    const input = { otherJobs: [pick()], facts: factsWith(), events: [], nowMillis: 0 };
    expect(diagnose({ ...input, job: rawJob({ status, spec: pick() }) }).length).toBeGreaterThan(0);
  }
});

function inputOf(raw: Readonly<Record<string, unknown>>): DiagnosisInput {
  const { deletedAt, finalizer, others, events, nodes, secrets } = raw;
  const metadata = {
    creationTimestamp: "2026-11-21T12:00:00Z",
    ...(deletedAt === undefined ? {} : { deletionTimestamp: deletedAt }),
    finalizers: finalizer === true ? [KUBEEDGE_FINALIZER] : [],
  };
  const status = raw["status"] === undefined ? {} : { status: spelledOut(raw["status"]) };
  return {
    job: rawJob({
      metadata: { name: "pull1", ...metadata },
      spec: specWith(fieldsOf(raw["template"])),
      ...status,
    }),
    otherJobs: listOf(others),
    facts: factsWith({
      nodes: listOf(nodes).map((node) => nodeFact(textOf(fieldsOf(node)["name"]), fieldsOf(node))),
      controllerManager: managerOf(raw["controllerManager"]),
      cloudTaskManager: switchOf(raw["cloudTaskManager"]),
      secrets: new Map(
        Object.entries(fieldsOf(secrets)).map(([namespace, names]) => [namespace, formsOf(names)]),
      ),
    }),
    events: listOf(events).map((event) => {
      const { node, reason, message } = fieldsOf(event);
      return { node: textOf(node), reason: textOf(reason), message: textOf(message) };
    }),
    nowMillis: Date.parse(textOf(raw["now"]) || "2026-11-21T13:00:00Z"),
  };
}

/** Replaces the words above, at any depth. */
function spelledOut(value: unknown): unknown {
  if (typeof value === "string") return WORDS[value] ?? value;
  if (Array.isArray(value)) return value.map(spelledOut);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, spelledOut(item)]));
}

function managerOf(value: unknown): ClusterFacts["controllerManager"] {
  return (["ready", "not-ready", "missing"] as const).find((known) => known === value) ?? "unknown";
}

function switchOf(value: unknown): ClusterFacts["cloudTaskManager"] {
  return (["on", "off"] as const).find((known) => known === value) ?? "unknown";
}

function formsOf(names: unknown): ReadonlyMap<string, SecretForm> {
  return new Map(
    Object.entries(fieldsOf(names)).map(([name, form]) => [name, form === "auths" ? "auths" : "flat"]),
  );
}

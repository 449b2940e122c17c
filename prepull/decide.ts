/**
 * What becomes of a write to an ImagePrePullJob. Pure and total; `judge` reads from top to bottom.
 *
 * Which version reaches a webhook: with both versions in its rules, the one that the client wrote; `version` is that of
 * the request (request.requestResource). `matchPolicy: Equivalent` only adds versions that the rules do not list.
 */
import { advise } from "./advice.ts";
import type { ClusterFacts } from "./facts.ts";
import { forbidden, invalid, type Finding } from "./finding.ts";
import { templateOf, type JobView } from "./job.ts";
import { undecodableNumbers } from "./numbers.ts";
import { RULES, type RuleName } from "./rule.ts";
import { sameJson } from "./same-json.ts";
import { checkSpec } from "./spec.ts";

export interface PrepullSettings {
  readonly mode: "enforce" | "warn" | "off";
  /** Rules that only warn, whatever the mode. */
  readonly warnOnly: ReadonlySet<RuleName>;
  /** Usernames of KubeEdge's cloudcore and controller-manager, whose updates are never judged. */
  readonly controllers: ReadonlySet<string>;
}

/** `old` is null on CREATE, `job` on DELETE. */
export interface JobRequest {
  /** Of the request as it was sent, e.g. `v1alpha1`. */
  readonly version: string;
  readonly subresource: string;
  readonly username: string;
  readonly old: JobView | null;
  readonly job: JobView | null;
}

export type AllowReason =
  | "mode-off"
  | "delete" // always, and of any job
  | "controller" // KubeEdge's own
  | "accepted" // nothing to refuse
  | "spec-untouched"
  | "cure" // makes a poisonous number readable, so whatever else is wrong only warns
  | "mode-warn"; // would be refused in mode enforce

export type Decision =
  | { readonly kind: "allow"; readonly why: AllowReason; readonly warnings: readonly Finding[] }
  | {
      readonly kind: "refuse";
      /** At least one. */
      readonly errors: readonly Finding[];
      readonly warnings: readonly Finding[];
    };

export function decide(request: JobRequest, settings: PrepullSettings, facts: ClusterFacts): Decision {
  if (settings.mode === "off") return { kind: "allow", why: "mode-off", warnings: [] };
  const { why, findings } = judge(request, settings, facts);
  if (why === "cure") return { kind: "allow", why, warnings: findings };
  const isError = ({ rule }: Finding): boolean =>
    RULES[rule].verdict === "refuse" && !settings.warnOnly.has(rule);
  const errors = findings.filter(isError);
  if (errors.length === 0) return { kind: "allow", why, warnings: findings };
  if (settings.mode === "warn") return { kind: "allow", why: "mode-warn", warnings: findings };
  return { kind: "refuse", errors, warnings: findings.filter((finding) => !isError(finding)) };
}

interface Judgement {
  readonly why: AllowReason;
  readonly findings: readonly Finding[];
}

function judge(request: JobRequest, settings: PrepullSettings, facts: ClusterFacts): Judgement {
  const { old, job } = request;
  if (job === null) return { why: "delete", findings: [] };
  if (old === null) return { why: "accepted", findings: specFindings(job.spec, facts) };
  if (settings.controllers.has(request.username)) return { why: "controller", findings: [] };
  const versionFindings = oldVersionWrite(request, old);
  if (request.subresource === "status") {
    return { why: "accepted", findings: [...versionFindings, ...clearedPhase(old, job)] };
  }
  if (sameJson(old.spec, job.spec)) {
    return { why: "spec-untouched", findings: [...versionFindings, ...strippedFinalizer(old, job)] };
  }
  const findings = [...versionFindings, ...frozenFields(old, job), ...newFindings(old, job, facts)];
  return { why: cures(old, job) ? "cure" : "accepted", findings };
}

function specFindings(spec: unknown, facts: ClusterFacts): readonly Finding[] {
  const { template, findings } = checkSpec(spec);
  return template === undefined ? findings : [...findings, ...advise(template, facts)];
}

/** What was wrong before and is still there stays allowed: else a job could not be improved step by step. */
function newFindings(old: JobView, job: JobView, facts: ClusterFacts): readonly Finding[] {
  const keyOf = ({ rule, path, shown = "" }: Finding): string => `${rule} ${path} ${shown}`;
  const before = new Set(specFindings(old.spec, facts).map(keyOf));
  return specFindings(job.spec, facts).filter((finding) => !before.has(keyOf(finding)));
}

function cures(old: JobView, job: JobView): boolean {
  const before = undecodableNumbers(templateOf(old.spec));
  const after = undecodableNumbers(templateOf(job.spec));
  const isKept = ([field, value]: readonly [Parameters<typeof before.get>[0], unknown]): boolean =>
    before.has(field) && Object.is(before.get(field), value);
  return after.size < before.size && [...after].every(isKept);
}

/** While a job that has no timeout hangs, giving it one is the remedy; these two are read anew on each reconcile. */
const READ_WHILE_RUNNING: ReadonlySet<string> = new Set(["failureTolerate", "timeoutSeconds"]);

function frozenFields(old: JobView, job: JobView): readonly Finding[] {
  if (old.phase === "") return [];
  const [before, after] = [templateOf(old.spec), templateOf(job.spec)];
  const changed = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (key) => !sameJson(before[key], after[key]),
  );
  const frozen = old.ended ? changed : changed.filter((key) => !READ_WHILE_RUNNING.has(key));
  if (frozen.length === 0) return [];
  const text = `the job is ${old.phase}; ${frozen.toSorted().join(", ")} can't change any more`;
  return [forbidden("spec-frozen", "spec", text)];
}

function oldVersionWrite(request: JobRequest, old: JobView): readonly Finding[] {
  if (request.version !== "v1alpha1" || !old.isV1alpha2 || old.deleting) return [];
  const text = "this write came through v1alpha1, which drops the status that v1alpha2 keeps";
  return [forbidden("old-version-write", "apiVersion", text)];
}

/** cloudcore dispatches a job whose phase is Init, and the controller puts a job without phase there. */
function clearedPhase(old: JobView, job: JobView): readonly Finding[] {
  const starts = job.phase === "" || job.phase === "Init";
  if (old.deleting || old.phase === "" || old.phase === job.phase || !starts) return [];
  return [invalid("phase-cleared", "status.phase", job.phase, `the job is ${old.phase}`)];
}

function strippedFinalizer(old: JobView, job: JobView): readonly Finding[] {
  if (!old.hasFinalizer || job.hasFinalizer) return [];
  const [poison] = undecodableNumbers(templateOf(job.spec)).keys();
  if (poison === undefined) return [];
  const text = `correct ${poison} first, or KubeEdge's controller-manager crashes`;
  return [forbidden("finalizer-stripped", "metadata.finalizers", text)];
}

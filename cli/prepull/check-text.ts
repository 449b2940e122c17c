/** The rules of prepull/ on the text of a manifest, without a cluster. Pure. */
import { decide, type PrepullSettings } from "../../prepull/decide.ts";
import { NO_FACTS } from "../../prepull/facts.ts";
import type { Finding } from "../../prepull/finding.ts";
import { readJob } from "../../prepull/job.ts";
import { readManifests, type Manifest } from "../../prepull/manifest.ts";
import { errorText, fieldText } from "../../prepull/message.ts";
import type { RuleName } from "../../prepull/rule.ts";

export interface Line {
  readonly file: string;
  readonly line: number;
  readonly level: "error" | "warning";
  /** Absent where the text is no YAML. */
  readonly rule?: RuleName;
  /** The job's name, "" if it has none. */
  readonly job: string;
  readonly text: string;
}

export interface FileCheck {
  readonly jobs: number;
  /** A document could not be read at all. */
  readonly broken: boolean;
  readonly lines: readonly Line[];
}

/** @param file as it is named in messages. */
export function checkText(file: string, text: string, warnOnly: ReadonlySet<RuleName>): FileCheck {
  const manifests = readManifests(text);
  const lines = manifests.flatMap((manifest) => linesOf(file, manifest, warnOnly));
  return {
    jobs: manifests.filter(({ kind }) => kind === "job").length,
    broken: manifests.some(({ kind }) => kind === "broken"),
    lines,
  };
}

function linesOf(file: string, manifest: Manifest, warnOnly: ReadonlySet<RuleName>): readonly Line[] {
  if (manifest.kind === "other") return [];
  if (manifest.kind === "broken") {
    return [{ file, line: manifest.line, level: "error", job: "", text: manifest.problem }];
  }
  const settings: PrepullSettings = { mode: "enforce", warnOnly, controllers: new Set() };
  const { name, version, spec, lineOf } = manifest;
  const job = readJob({ metadata: { name }, spec });
  const decision = decide({ version, subresource: "", username: "", old: null, job }, settings, NO_FACTS);
  const line = (level: Line["level"], finding: Finding): Line => ({
    file,
    line: lineOf(finding.path),
    level,
    rule: finding.rule,
    job: name,
    text: level === "error" ? errorText(finding) : fieldText(finding),
  });
  const errors = decision.kind === "refuse" ? decision.errors.map((found) => line("error", found)) : [];
  const warnings = decision.warnings.map((found) => line("warning", found));
  return [...errors, ...warnings].toSorted((one, other) => one.line - other.line);
}

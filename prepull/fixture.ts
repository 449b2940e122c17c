/** Specs and jobs for the tests of this folder. */
import { TEMPLATE_PATH, type Finding } from "./finding.ts";
import { checkSpec } from "./spec.ts";

/** A template in which no rule finds anything, with some fields changed; undefined takes a field away. */
export function template(part: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  const whole = {
    images: ["docker.io/library/nginx:1.27"],
    nodeNames: ["edge1"],
    timeoutSeconds: 300,
    ...part,
  };
  return Object.fromEntries(Object.entries(whole).filter(([, value]) => value !== undefined));
}

export function specWith(part: Readonly<Record<string, unknown>> = {}): unknown {
  return { imagePrePullTemplate: template(part) };
}

/** What the rules find in a template, as `rule path`, the path without what all have in common. */
export function foundIn(part: Readonly<Record<string, unknown>>): readonly string[] {
  return named(checkSpec(specWith(part)).findings);
}

export function named(findings: readonly Finding[]): readonly string[] {
  return findings.map(({ rule, path }) => `${rule} ${path.replace(`${TEMPLATE_PATH}.`, "")}`);
}

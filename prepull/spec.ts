/** Reads a job's spec and applies every rule that needs nothing else; all findings at once. Total over any value. */
import { shorten } from "../lock/shorten.ts";
import { checkCheckItems } from "./check-items.ts";
import { forbidden, required, TEMPLATE_PATH, type Finding } from "./finding.ts";
import { checkImages } from "./images.ts";
import type { ImageReference } from "./image-reference.ts";
import { checkNumbers, type Numbers } from "./numbers.ts";
import { checkSecretReference, type SecretReference } from "./secret-reference.ts";
import { isAbsent, isFields, wrongType, type Fields } from "./shape.ts";
import { checkTargets, type Targets } from "./targets.ts";
import { checkTolerance } from "./tolerance.ts";

/** What a spec asks for, as KubeEdge would take it; fields with findings have KubeEdge's value for "not given". */
export interface Template extends Numbers {
  readonly references: readonly ImageReference[];
  readonly targets: Targets;
  readonly tolerance: number;
  readonly secret: SecretReference | undefined;
}

export interface SpecCheck {
  /** Undefined where there is no template at all. */
  readonly template: Template | undefined;
  readonly findings: readonly Finding[];
}

/** facts/kubeedge.md 1.2; the same in v1alpha1 and v1alpha2. */
const FIELDS: ReadonlySet<string> = new Set([
  "images",
  "nodeNames",
  "labelSelector",
  "checkItems",
  "failureTolerate",
  "concurrency",
  "timeoutSeconds",
  "imageSecrets",
  "retryTimes",
]);

/** Fields of old samples and guides (kubeedge#5533, #5484), and what they are called now. */
const FORMER_NAMES: Readonly<Record<string, string>> = {
  nodes: "nodeNames",
  imageSecret: "imageSecrets",
  timeoutSecondsOnEachNode: "timeoutSeconds",
};

/** @param spec the value of the job's `spec`; numbers may be bigint. */
export function checkSpec(spec: unknown): SpecCheck {
  if (isAbsent(spec))
    return onlyFinding(required("template-missing", "spec", "a spec with imagePrePullTemplate"));
  if (!isFields(spec)) return onlyFinding(wrongType("spec", spec, "an object"));
  const unknown = unknownFields(spec, "spec", new Set(["imagePrePullTemplate"]));
  const value = spec["imagePrePullTemplate"];
  if (isAbsent(value)) {
    const missing = required("template-missing", TEMPLATE_PATH, "images and nodes");
    return { template: undefined, findings: [...unknown, missing] };
  }
  if (!isFields(value)) return onlyFinding(wrongType(TEMPLATE_PATH, value, "an object"));
  const check = checkTemplate(value);
  return { ...check, findings: [...unknown, ...check.findings] };
}

function checkTemplate(value: Fields): SpecCheck & { readonly template: Template } {
  // The order of the fields in KubeEdge's documentation, but first what harms others.
  const { numbers, findings: numberFindings } = checkNumbers(value);
  const hasSecret = !isAbsent(value["imageSecrets"]) && value["imageSecrets"] !== "";
  const { references, findings: imageFindings } = checkImages(value, hasSecret);
  const { targets, findings: targetFindings } = checkTargets(value);
  const { tolerance, findings: toleranceFindings } = checkTolerance(value);
  const { secret, findings: secretFindings } = checkSecretReference(value);
  return {
    template: { ...numbers, references, targets, tolerance, secret },
    findings: [
      ...numberFindings,
      ...unknownFields(value, TEMPLATE_PATH, FIELDS),
      ...imageFindings,
      ...targetFindings,
      ...checkCheckItems(value),
      ...toleranceFindings,
      ...secretFindings,
    ],
  };
}

function unknownFields(value: Fields, path: string, known: ReadonlySet<string>): readonly Finding[] {
  return Object.keys(value)
    .filter((key) => !known.has(key))
    .map((key) => {
      const now = Object.hasOwn(FORMER_NAMES, key) ? FORMER_NAMES[key] : undefined;
      const text = now === undefined ? `expected one of ${[...known].join(", ")}` : `it is called ${now}`;
      return forbidden("field-unknown", `${path}.${shorten(key, 80)}`, `unknown field; ${text}`);
    });
}

function onlyFinding(finding: Finding): SpecCheck {
  return { template: undefined, findings: [finding] };
}

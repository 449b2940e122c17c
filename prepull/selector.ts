/** `labelSelector` by the rules of apimachinery (meta/v1 LabelSelectorAsSelector, labels.NewRequirement). */
import { forbidden, invalid, required, TEMPLATE_PATH, type Finding } from "./finding.ts";
import { shorten } from "../lock/shorten.ts";
import { isLabelKey, isLabelValue } from "./kube-names.ts";
import { isAbsent, isFields, readTexts, wrongType, type Fields } from "./shape.ts";

const PATH = `${TEMPLATE_PATH}.labelSelector`;
const OPERATORS = ["In", "NotIn", "Exists", "DoesNotExist"] as const;
const KEY_TEXT =
  "must be a label key: [prefix/]name, the name of at most 63 characters from A-Z, a-z, 0-9, '-', '_', '.'";
const VALUE_TEXT = "must be a label value: at most 63 characters from A-Z, a-z, 0-9, '-', '_', '.', or empty";

export type Operator = (typeof OPERATORS)[number];

/** All of them must hold. `values` is empty for Exists and DoesNotExist. */
export interface Requirement {
  readonly key: string;
  readonly operator: Operator;
  readonly values: readonly string[];
}

export type Selector = readonly Requirement[];

export interface SelectorRead {
  /** Undefined where it is absent or broken. */
  readonly selector: Selector | undefined;
  readonly findings: readonly Finding[];
}

export function checkSelector(value: unknown): SelectorRead {
  if (isAbsent(value)) return { selector: undefined, findings: [] };
  if (!isFields(value)) return { selector: undefined, findings: [wrongType(PATH, value, "an object")] };
  const labels = readMatchLabels(value["matchLabels"]);
  const expressions = readExpressions(value["matchExpressions"]);
  const findings = [...unknownFields(value), ...labels.findings, ...expressions.findings];
  const selector = [...labels.requirements, ...expressions.requirements];
  if (findings.length === 0 && selector.length === 0) {
    const text = "must have a requirement: without one it takes every node, those of the cloud too";
    return { selector, findings: [invalid("selector-everything", PATH, value, text)] };
  }
  return { selector: findings.length === 0 ? selector : undefined, findings };
}

interface RequirementsRead {
  readonly requirements: readonly Requirement[];
  readonly findings: readonly Finding[];
}

function readMatchLabels(value: unknown): RequirementsRead {
  if (isAbsent(value)) return { requirements: [], findings: [] };
  const path = `${PATH}.matchLabels`;
  if (!isFields(value))
    return { requirements: [], findings: [wrongType(path, value, "an object of strings")] };
  const requirements: Requirement[] = [];
  const findings: Finding[] = [];
  for (const [key, raw] of Object.entries(value)) {
    const label: unknown = raw ?? "";
    if (!isLabelKey(key)) findings.push(invalid("selector-malformed", path, key, KEY_TEXT));
    if (typeof label !== "string") findings.push(wrongType(`${path}[${key}]`, label, "a string"));
    else if (!isLabelValue(label)) {
      findings.push(invalid("selector-malformed", `${path}[${key}]`, label, VALUE_TEXT));
    } else requirements.push({ key, operator: "In", values: [label] });
  }
  return { requirements, findings };
}

function readExpressions(value: unknown): RequirementsRead {
  if (isAbsent(value)) return { requirements: [], findings: [] };
  const path = `${PATH}.matchExpressions`;
  if (!Array.isArray(value)) return { requirements: [], findings: [wrongType(path, value, "a list")] };
  const requirements: Requirement[] = [];
  const findings: Finding[] = [];
  for (const [at, expression] of value.entries()) {
    const read = readExpression(expression, `${path}[${at}]`);
    if ("key" in read) requirements.push(read);
    else findings.push(...read);
  }
  return { requirements, findings };
}

function readExpression(value: unknown, path: string): Requirement | readonly Finding[] {
  if (!isFields(value)) return [wrongType(path, value, "an object with key and operator")];
  const { texts, findings: typeFindings } = readTexts(value["values"], `${path}.values`);
  const findings = [...typeFindings];
  const key = value["key"];
  if (isAbsent(key)) findings.push(required("selector-malformed", `${path}.key`, "a label key"));
  else if (typeof key !== "string") findings.push(wrongType(`${path}.key`, key, "a string"));
  else if (!isLabelKey(key)) findings.push(invalid("selector-malformed", `${path}.key`, key, KEY_TEXT));
  const operator = OPERATORS.find((known) => known === value["operator"]);
  if (operator === undefined) findings.push(unsupportedOperator(value["operator"], `${path}.operator`));
  else {
    const takesValues = operator === "In" || operator === "NotIn";
    if (takesValues && texts.length === 0 && typeFindings.length === 0) {
      findings.push(required("selector-malformed", `${path}.values`, `${operator} needs at least one value`));
    }
    if (!takesValues && texts.length > 0) {
      const forbidden = invalid(
        "selector-malformed",
        `${path}.values`,
        value["values"],
        `${operator} takes no values`,
      );
      findings.push(forbidden);
    }
  }
  for (const { at, text } of texts) {
    if (!isLabelValue(text)) {
      findings.push(invalid("selector-malformed", `${path}.values[${at}]`, text, VALUE_TEXT));
    }
  }
  if (findings.length > 0 || typeof key !== "string" || operator === undefined) return findings;
  return { key, operator, values: texts.map(({ text }) => text) };
}

function unsupportedOperator(value: unknown, path: string): Finding {
  const text = `supported values: ${OPERATORS.map((operator) => `"${operator}"`).join(", ")}`;
  if (isAbsent(value)) return required("selector-malformed", path, text);
  if (typeof value !== "string") return wrongType(path, value, "a string");
  return { ...invalid("selector-malformed", path, value, text), problem: "Unsupported value" };
}

function unknownFields(value: Fields): readonly Finding[] {
  return Object.keys(value)
    .filter((key) => key !== "matchLabels" && key !== "matchExpressions")
    .map((key) =>
      forbidden(
        "field-unknown",
        `${PATH}.${shorten(key, 80)}`,
        "unknown field; expected matchLabels or matchExpressions",
      ),
    );
}

/** The rules about which nodes a job names: `nodeNames` or `labelSelector`, one of the two. */
import { forbidden, invalid, required, TEMPLATE_PATH, type Finding } from "./finding.ts";
import { isSubdomain } from "./kube-names.ts";
import { checkSelector, type Selector } from "./selector.ts";
import { isAbsent, readTexts, type Fields } from "./shape.ts";

const PATH = `${TEMPLATE_PATH}.nodeNames`;

export type Targets =
  | { readonly kind: "names"; readonly names: readonly string[] }
  | { readonly kind: "selector"; readonly selector: Selector }
  /** None or broken; a finding says why. */
  | { readonly kind: "unknown" };

export function checkTargets(template: Fields): {
  readonly targets: Targets;
  readonly findings: readonly Finding[];
} {
  const { texts, findings: typeFindings } = readTexts(template["nodeNames"], PATH);
  const { selector, findings: selectorFindings } = checkSelector(template["labelSelector"]);
  const findings = [...typeFindings, ...checkNames(texts)];
  const hasSelector = !isAbsent(template["labelSelector"]);
  // KubeEdge asks len(nodeNames) > 0 and labelSelector != nil: [] beside a selector is fine, {} beside names is not.
  if (texts.length > 0 && hasSelector) {
    findings.push(
      forbidden("targets-both", `${TEMPLATE_PATH}.labelSelector`, "nodeNames are given too; keep one"),
    );
  } else if (texts.length === 0 && !hasSelector && typeFindings.length === 0) {
    findings.push(required("targets-missing", PATH, "nodeNames or labelSelector"));
  }
  findings.push(...selectorFindings);
  if (texts.length > 0) return { targets: { kind: "names", names: texts.map(({ text }) => text) }, findings };
  const targets: Targets = selector === undefined ? { kind: "unknown" } : { kind: "selector", selector };
  return { targets, findings };
}

function checkNames(texts: readonly { readonly at: number; readonly text: string }[]): readonly Finding[] {
  const findings: Finding[] = [];
  const first = new Map<string, number>();
  for (const { at, text } of texts) {
    const path = `${PATH}[${at}]`;
    const before = first.get(text);
    if (!isSubdomain(text)) {
      const wanted = "must be a node's name: a-z, 0-9, '-' and '.', at most 253 characters";
      findings.push(invalid("node-name-malformed", path, text, wanted));
    } else if (before === undefined) first.set(text, at);
    else {
      const found = invalid("node-name-duplicate", path, text, `already at nodeNames[${before}]`);
      findings.push({ ...found, problem: "Duplicate value" });
    }
  }
  return findings;
}

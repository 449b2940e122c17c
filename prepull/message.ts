/** What people read: one line for each error, short warnings. Words only; decide.ts decides. */
import { LONGEST_WARNING } from "../lock/message.ts";
import { oneLine } from "../lock/request.ts";
import { shorten } from "../lock/shorten.ts";
import { TEMPLATE_PATH, type Finding } from "./finding.ts";
import { RULES } from "./rule.ts";

/** Beyond this, a message names only how many more there are; a spec may hold thousands of bad names. */
const MAX_ERRORS_SHOWN = 40;
/** kubectl prints each on a line of its own. */
const MAX_WARNINGS = 20;

/** As apimachinery words a field error, then what KubeEdge would have done and what passes. */
export function errorText(finding: Finding): string {
  const { effect, example } = RULES[finding.rule];
  return oneLine(`${fieldText(finding)}; KubeEdge would ${effect}; e.g. ${example}`);
}

/** The whole refusal, in the form of kubectl's own list of errors. */
export function refusalText(jobName: string, errors: readonly Finding[]): string {
  const name = JSON.stringify(shorten(jobName, 80));
  const head = `ImagePrePullJob.operations.kubeedge.io ${name} is invalid:`;
  const lines = errors.slice(0, MAX_ERRORS_SHOWN).map(errorText);
  const hidden = errors.length - lines.length;
  if (hidden > 0) lines.push(`and ${hidden} more`);
  const [first = ""] = lines;
  return lines.length === 1 ? `${head} ${first}` : [head, ...lines.map((line) => `* ${line}`)].join("\n");
}

/** Short ones, most of the room for what is wrong. */
export function warningTexts(findings: readonly Finding[]): readonly string[] {
  const texts = findings.slice(0, MAX_WARNINGS).map(warningText);
  const hidden = findings.length - texts.length;
  return hidden > 0 ? [...texts, `nodelatch: and ${hidden} more warnings`] : texts;
}

function warningText({ path, shown, text }: Finding): string {
  const where = path.replace(`${TEMPLATE_PATH}.`, "");
  const value = shown === undefined ? "" : ` ${shorten(shown, 40)}`;
  return shorten(oneLine(`nodelatch: ${where}${value}: ${text}`), LONGEST_WARNING);
}

export function fieldText({ path, problem, shown, text }: Finding): string {
  return `${path}: ${problem}:${shown === undefined ? "" : ` ${shown}:`} ${text}`;
}

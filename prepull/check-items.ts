/** The rules about `checkItems` (edge/pkg/taskmanager/actions/pre_check.go). */
import { invalid, TEMPLATE_PATH, type Finding } from "./finding.ts";
import { readTexts, type Fields } from "./shape.ts";

const PATH = `${TEMPLATE_PATH}.checkItems`;
const KNOWN: readonly string[] = ["cpu", "mem", "disk"];

export function checkCheckItems(template: Fields): readonly Finding[] {
  const { texts, findings } = readTexts(template["checkItems"], PATH);
  const unknown = texts
    .filter(({ text }) => !KNOWN.includes(text))
    .map(({ at, text }): Finding => {
      const supported = `supported values: ${KNOWN.map((item) => `"${item}"`).join(", ")}`;
      const found = invalid("check-item-unknown", `${PATH}[${at}]`, text, supported);
      return { ...found, problem: "Unsupported value" };
    });
  const cpu = texts
    .filter(({ text }) => text === "cpu")
    .slice(0, 1)
    .map(({ at, text }) =>
      invalid(
        "check-item-cpu",
        `${PATH}[${at}]`,
        text,
        "100 ms of CPU use above 80 % fail the node; prefer mem and disk",
      ),
    );
  return [...findings, ...unknown, ...cpu];
}

/** `kubectl nodelatch check -f FILE`: the rules for ImagePrePullJobs on files, for people and for CI. */
import { readFile } from "node:fs/promises";
import { text as readAll } from "node:stream/consumers";
import { isRuleName, RULES, type RuleName } from "../../prepull/rule.ts";
import type { Arguments, Command } from "../command.ts";
import { EXIT, UserError } from "../exit-code.ts";
import { CALLED } from "../help.ts";
import { FORMATS, printDocument } from "../output/document.ts";
import { paint, type Terminal } from "../output/terminal.ts";
import { checkText, type Line } from "../prepull/check-text.ts";

export const check: Command = {
  spec: {
    name: "check",
    summary: "check ImagePrePullJob manifests, without a cluster",
    details: [
      "The rules that the webhook applies to a spec, for CI. Other kinds in the files are passed over.",
      "Exits with 0 if no rule refuses, 1 if one does, 2 if a file can't be read.",
    ].join("\n"),
    positionals: { shown: "", least: 0, most: 0, complete: [] },
    options: [
      {
        name: "filename",
        short: "f",
        value: "FILE",
        repeats: true,
        help: "YAML or JSON; - = standard input",
      },
      { name: "warn-only", value: "RULE", repeats: true, help: "only warn of this rule; may be repeated" },
      { name: "output", short: "o", value: "FORMAT", choices: FORMATS, help: "for programs" },
    ],
    examples: [
      [`${CALLED} check -f job.yaml`, "check one file"],
      [`kustomize build . | ${CALLED} check -f -`, "check what a program prints"],
    ],
  },
  async run(args, { terminal }) {
    const files = args.texts("filename");
    if (files.length === 0) throw new UserError(`check: expected -f FILE; try: ${CALLED} check --help`);
    const warnOnly = rulesNamed(args);
    const checks = [];
    for (const file of files) checks.push(checkText(file, await readText(file), warnOnly));
    const lines = checks.flatMap((one) => one.lines);
    const jobs = checks.reduce((sum, one) => sum + one.jobs, 0);
    const errors = lines.filter(({ level }) => level === "error").length;
    const format = args.text("output");
    if (format === undefined) printLines(lines, jobs, errors, terminal);
    else printDocument(format, "PrepullCheck", { jobs, findings: lines }, (text) => terminal.out(text));
    if (checks.some(({ broken }) => broken)) return EXIT.usage;
    return errors > 0 ? EXIT.refused : EXIT.ok;
  },
};

function printLines(lines: readonly Line[], jobs: number, errors: number, terminal: Terminal): void {
  for (const { file, line, level, text, rule } of lines) {
    const word = paint(level, level === "error" ? "red" : "yellow", terminal);
    terminal.out(`${file}:${line}: ${word}: ${text}${rule === undefined ? "" : ` [${rule}]`}`);
  }
  const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? "" : "s"}`;
  terminal.out(
    `${count(jobs, "ImagePrePullJob")}, ${count(errors, "error")}, ${count(lines.length - errors, "warning")}`,
  );
}

function rulesNamed(args: Arguments): ReadonlySet<RuleName> {
  const rules = new Set<RuleName>();
  for (const name of args.texts("warn-only")) {
    if (!isRuleName(name)) {
      const known = Object.keys(RULES).join(", ");
      throw new UserError(`--warn-only=${JSON.stringify(name)}: expected one of ${known}`);
    }
    rules.add(name);
  }
  return rules;
}

async function readText(file: string): Promise<string> {
  if (file === "-") return readAll(process.stdin);
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UserError(`-f ${file}: can't be read: ${why}`, EXIT.usage, cause);
  }
}

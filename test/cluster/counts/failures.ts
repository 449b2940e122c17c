/** What failed in a vitest report, in words: at the end of a long run its place in the output is far away. */
import { listOf, textOf } from "./report.ts";

const LONGEST_REASON = 2_000;

export interface Failure {
  /** The file, and within it the test, unless the whole file failed. */
  readonly where: string;
  readonly why: string;
}

/** Failures of a report of vitest's `json` reporter. Throws naming the field that is missing. */
export function parseFailures(content: string, root: string): readonly Failure[] {
  const report: unknown = JSON.parse(content);
  return listOf(report, "testResults").flatMap((file) => {
    const failed = listOf(file, "assertionResults").filter((test) => textOf(test, "status") === "failed");
    if (failed.length === 0) {
      return textOf(file, "status") === "failed" ? [broken(file, root)] : [];
    }
    return failed.map((test) => ({
      where: `${nameOf(file, root)} > ${textOf(test, "fullName")}`,
      why: shortened(listOf(test, "failureMessages").map(String).join("\n")),
    }));
  });
}

export function renderFailure({ where, why }: Failure): string {
  return `FAILED ${where}\n${why.replaceAll(/^/gm, "  ")}`;
}

function broken(file: unknown, root: string): Failure {
  return { where: nameOf(file, root), why: shortened(textOf(file, "message")) };
}

function nameOf(file: unknown, root: string): string {
  const name = textOf(file, "name");
  return name.startsWith(root) ? name.slice(root.length) : name;
}

function shortened(text: string): string {
  return text.length > LONGEST_REASON ? `${text.slice(0, LONGEST_REASON)}...` : text;
}

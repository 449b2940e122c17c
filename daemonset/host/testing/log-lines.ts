/** A logger whose lines a test can read. */
import { pino, type Logger } from "pino";

export interface LogLine {
  readonly level: number;
  readonly msg: string;
}

export function makeLogLines(): { readonly log: Logger; readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const log = pino(
    {},
    {
      write(text: string) {
        const line: unknown = JSON.parse(text);
        if (typeof line !== "object" || line === null) return;
        if (!("level" in line) || typeof line.level !== "number") return;
        if (!("msg" in line) || typeof line.msg !== "string") return;
        lines.push({ level: line.level, msg: line.msg });
      },
    },
  );
  return { log, lines };
}

/** Where output goes, and whether it may have colours. */

export interface Terminal {
  /** A line to standard output. */
  out(line: string): void;
  /** A line to standard error. */
  err(line: string): void;
  readonly colors: boolean;
}

export type Color = "red" | "yellow" | "green" | "dim" | "bold";

const CODES: Readonly<Record<Color, number>> = { red: 31, yellow: 33, green: 32, dim: 2, bold: 1 };

/** Colours are for people: on a terminal, and not where NO_COLOR (no-color.org) or TERM=dumb says otherwise. */
export function wantsColors(isTTY: boolean, env: Readonly<Record<string, string | undefined>>): boolean {
  return isTTY && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
}

export function paint(text: string, color: Color | undefined, { colors }: Pick<Terminal, "colors">): string {
  return colors && color !== undefined ? `\u001b[${CODES[color]}m${text}\u001b[0m` : text;
}

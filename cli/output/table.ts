/** Tables as kubectl prints them: left-aligned, three spaces between columns, no lines. */
import { oneLine } from "../../lock/request.ts";
import { shorten } from "../../lock/shorten.ts";
import { paint, type Color, type Terminal } from "./terminal.ts";

export interface Cell {
  readonly text: string;
  readonly color?: Color;
}

export type Row = readonly (Cell | string)[];

const GAP = "   ";
/** Of one cell, so that one long reason does not push the rest off the screen. */
const WIDEST = 60;

/** Column widths in characters for these rows; for rows that come later in a watch. */
export function widthsOf(header: readonly string[], rows: readonly Row[]): readonly number[] {
  return header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => Array.from(cellOf(row, column).text).length)),
  );
}

/** One line; never with spaces at its end. */
export function tableLine(row: Row, widths: readonly number[], terminal: Pick<Terminal, "colors">): string {
  const last = widths.length - 1;
  return widths
    .map((width, column) => {
      const { text, color } = cellOf(row, column);
      const padding = column === last ? "" : " ".repeat(Math.max(0, width - Array.from(text).length));
      return paint(text, color, terminal) + padding;
    })
    .join(GAP)
    .trimEnd();
}

export function tableLines(
  header: readonly string[],
  rows: readonly Row[],
  terminal: Pick<Terminal, "colors">,
): readonly string[] {
  const widths = widthsOf(header, rows);
  return [
    tableLine(
      header.map((text) => ({ text, color: "bold" })),
      widths,
      terminal,
    ),
    ...rows.map((row) => tableLine(row, widths, terminal)),
  ];
}

/** What others wrote (reasons, names) never moves the cursor. */
function cellOf(row: Row, column: number): Cell {
  const cell = row[column] ?? "";
  const { text, color } = typeof cell === "string" ? { text: cell, color: undefined } : cell;
  const shown = shorten(oneLine(text), WIDEST);
  return color === undefined ? { text: shown } : { text: shown, color };
}

/** The table of `status`, and with -w the rows that come later: under the same header, and as wide. */
import { tableLine, tableLines, widthsOf } from "../output/table.ts";
import type { Terminal } from "../output/terminal.ts";
import type { NodeState } from "./node-state.ts";
import { documentOf, ghostNotes, header, rowOf } from "./view.ts";

export class StatusTable {
  readonly #terminal: Terminal;
  readonly #wide: boolean;
  /** Empty until the header is printed. */
  #widths: readonly number[] = [];
  #shown: ReadonlyMap<string, string> = new Map();

  constructor(terminal: Terminal, wide: boolean) {
    this.#terminal = terminal;
    this.#wide = wide;
  }

  /** Prints what has changed since the last time: everything, the first time. */
  print(states: readonly NodeState[], nowMillis: number): void {
    const changed = states.filter((state) => this.#shown.get(state.view.name) !== fingerprint(state));
    const rows = changed.map((state) => rowOf(state, this.#wide, nowMillis));
    const widths = widthsOf(header(this.#wide), rows);
    if (this.#widths.length === 0) {
      if (rows.length > 0) {
        this.#widths = widths;
        for (const line of tableLines(header(this.#wide), rows, this.#terminal)) this.#terminal.out(line);
      }
    } else {
      this.#widths = widths.map((width, column) => Math.max(width, this.#widths[column] ?? 0));
      for (const row of rows) this.#terminal.out(tableLine(row, this.#widths, this.#terminal));
    }
    this.#printNotes(changed);
    const listed = new Set(states.map(({ view }) => view.name));
    for (const name of this.#shown.keys()) {
      if (!listed.has(name)) this.#terminal.out(`${name} is no longer listed`);
    }
    this.#shown = new Map(states.map((state) => [state.view.name, fingerprint(state)]));
  }

  /** Beside the table: whoever cuts it up for a script does not want them. */
  #printNotes(states: readonly NodeState[]): void {
    const notes = ghostNotes(states);
    for (const note of notes) this.#terminal.err(note);
    if (notes.length > 0)
      this.#terminal.err('unlock NODE --force --reason "..." ends a ghost; nothing else does');
  }
}

/** Ages pass by themselves: only what somebody changed is news. */
function fingerprint(state: NodeState): string {
  const { ghost, ...rest } = state;
  const signs = ghost.map(({ rule }) => rule);
  return JSON.stringify([documentOf({ ...rest, ghost: [] }), signs]);
}

/** What the tests of the documentation read from Markdown: tables, code, headings, links. GitHub's flavour of it. */

export interface Table {
  /** Text of the nearest heading above it. */
  readonly heading: string;
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface Fence {
  /** `sh`, `text` and so on; "" if none is given. */
  readonly language: string;
  /** Without the fences and the last line's end. */
  readonly text: string;
}

export interface Link {
  readonly text: string;
  readonly target: string;
}

/** All tables, in order; cells without their outer spaces. */
export function tablesIn(markdown: string): readonly Table[] {
  const tables: { heading: string; header: readonly string[]; rows: (readonly string[])[] }[] = [];
  let heading = "";
  let open = false;
  for (const line of withoutFences(markdown).split("\n")) {
    if (line.startsWith("#")) heading = line.replace(/^#+ /, "");
    if (!line.startsWith("|")) {
      open = false;
      continue;
    }
    const cells = cellsOf(line);
    if (!open) tables.push({ heading, header: cells, rows: [] });
    else if (!cells.every((cell) => /^:?-+:?$/.test(cell))) tables.at(-1)?.rows.push(cells);
    open = true;
  }
  return tables;
}

/** The one table with this header. @throws Error if there is none, or several. */
export function tableWith(markdown: string, ...header: readonly string[]): Table {
  const found = tablesIn(markdown).filter((table) => table.header.join("|") === header.join("|"));
  const [table] = found;
  if (table === undefined || found.length > 1) {
    throw new Error(`tables with the header ${header.join(" | ")}: expected one, got ${found.length}`);
  }
  return table;
}

/** The `code` in a text, in order; not what is fenced. */
export function codeIn(text: string): readonly string[] {
  return [...withoutFences(text).matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code);
}

export function fencesIn(markdown: string): readonly Fence[] {
  return [...markdown.matchAll(/^```(\S*)\n([\s\S]*?)\n```$/gm)].map(([, language = "", text = ""]) => ({
    language,
    text,
  }));
}

/** Links with a target in the text, images included; none from code. */
export function linksIn(markdown: string): readonly Link[] {
  const prose = withoutFences(markdown).replace(/`[^`\n]*`/g, "code");
  return [...prose.matchAll(/\[([^\]]*)\]\(([^)\s]+)\)/g)].map(([, text = "", target = ""]) => ({
    text,
    target,
  }));
}

/** What may stand after `#` in a link to the file: GitHub's anchors of its headings. */
export function anchorsIn(markdown: string): readonly string[] {
  return [...withoutFences(markdown).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

function cellsOf(line: string): readonly string[] {
  return line
    .replace(/^\||\|\s*$/g, "")
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll("\\|", "|"));
}

function withoutFences(markdown: string): string {
  return markdown.replace(/^```\S*\n[\s\S]*?\n```$/gm, "");
}

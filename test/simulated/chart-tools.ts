/** The chart's reboot tools as its templates fill them in; test/cluster has Helm do it. */
import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { parseToolList } from "../../lock/tool-list.ts";
import { toolAnnotations, type Tool } from "../../lock/tool.ts";

const CHART = new URL("../../charts/nodelatch/", import.meta.url);

/** An entry of the chart's value `tools`. */
export type ToolEntry = Readonly<Record<string, unknown>>;

/** @param entries the chart's default where left out. @throws Error if they make no list of tools. */
export async function chartTools(entries?: readonly ToolEntry[]): Promise<readonly Tool[]> {
  const presets = fieldsOf(parse(await readFile(new URL("tools/presets.yaml", CHART), "utf8")));
  const values = fieldsOf(parse(await readFile(new URL("values.yaml", CHART), "utf8")));
  const listed: unknown = entries ?? values["tools"];
  const filled = (Array.isArray(listed) ? listed : []).map((entry: unknown) => {
    const { preset, ...own } = fieldsOf(entry);
    if (preset === undefined) return own;
    if (typeof preset !== "string" || !Object.hasOwn(presets, preset)) {
      throw new Error(`no preset ${JSON.stringify(preset)}`);
    }
    const { tested: _, ...known } = fieldsOf(presets[preset]);
    return { name: preset, ...known, ...own };
  });
  const read = parseToolList(JSON.stringify(filled));
  if (!read.ok) throw new Error(read.problem);
  return read.tools;
}

/** The text of a registration with the tools' users and annotations in it. */
export function withTools(registration: string, tools: readonly Tool[]): string {
  return registration
    .replaceAll("NODELATCH_TOOL_USERS", celList(tools.map(({ username }) => username)))
    .replaceAll("NODELATCH_TOOL_ANNOTATIONS", celList([...toolAnnotations(tools)]));
}

/** Neither users nor annotations have quotes: parseToolList refuses them. */
function celList(texts: readonly string[]): string {
  return `[${texts.map((text) => `'${text}'`).join(", ")}]`;
}

function fieldsOf(value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw new TypeError(`expected a mapping, got ${JSON.stringify(value)}`);
}

/** docs/tools.md on presets and fields, compared with the chart. */
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { at, isMap } from "../charts/chart-files.ts";
import { parseToolList } from "../lock/tool-list.ts";
import { chartTools, type ToolEntry } from "../test/simulated/chart-tools.ts";
import { codeIn, fencesIn, tableWith } from "./markdown.ts";

const page = await readFile(new URL("tools.md", import.meta.url), "utf8");
const presets: unknown = parse(
  await readFile(new URL("../charts/nodelatch/tools/presets.yaml", import.meta.url), "utf8"),
);

test("every preset is listed as the chart has it, and no other", () => {
  const { rows } = tableWith(page, "preset", "user", "locks on", "ends on", "per node", "tested", "ground");
  const yesOrNo = (value: unknown): string => (value === true ? "yes" : "no");
  expect(
    rows.map(([name = "", user = "", ...rest]) => [...codeIn(name), ...codeIn(user), ...rest.slice(0, 4)]),
  ).toEqual(
    (isMap(presets) ? Object.entries(presets) : []).map(([name, preset]: [string, unknown]) => [
      name,
      at(preset, "username"),
      at(preset, "lockOn"),
      at(preset, "releaseOn"),
      yesOrNo(at(preset, "perNode")),
      yesOrNo(at(preset, "tested")),
    ]),
  );
});

test("every field is listed, and no other", async () => {
  const schema: unknown = JSON.parse(
    await readFile(new URL("../charts/nodelatch/values.schema.json", import.meta.url), "utf8"),
  );
  const properties = at(schema, "properties", "tools", "items", "properties");
  const { rows } = tableWith(page, "field", "meaning");
  expect(rows.flatMap(([field = ""]) => codeIn(field))).toEqual(
    isMap(properties) ? Object.keys(properties) : [],
  );
});

test("every list of tools that is shown is one", async () => {
  const shown = fencesIn(page).filter(({ language }) => language === "yaml");
  expect(shown).toHaveLength(2);
  for (const { text } of shown) {
    const tools = at(parse(text), "tools");
    const entries: readonly ToolEntry[] = Array.isArray(tools) ? tools : [];
    expect((await chartTools(entries)).length).toBe(entries.length);
    expect(entries.length).toBeGreaterThan(0);
  }
});

test("the fields of a tool are those that the setting takes", () => {
  const read = parseToolList('[{"nonsense":1}]');
  const { rows } = tableWith(page, "field", "meaning");
  const fields = rows.flatMap(([field = ""]) => codeIn(field)).filter((field) => field !== "preset");
  expect(read.ok ? "" : read.problem).toContain(`known: ${fields.join(", ")}`);
});

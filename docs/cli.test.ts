/** docs/cli.md says what the program's own --help says, command by command. */
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { GLOBAL_OPTIONS } from "../cli/arguments.ts";
import type { Option } from "../cli/command.ts";
import { EXIT_WORDS } from "../cli/exit-code.ts";
import { COMMANDS } from "../cli/program.ts";
import { run } from "../cli/testing/cli-kit.ts";
import { codeIn, fencesIn, tablesIn, tableWith } from "./markdown.ts";

const page = await readFile(new URL("cli.md", import.meta.url), "utf8");
const tables = tablesIn(page);

/** `-o, --output FORMAT` and its meaning, as --help prints them. */
function shownIn(help: string, { name }: Option): readonly [string, string] {
  const line = help.split("\n").find((text) => new RegExp(`^ +(?:-\\w, )?--${name}(?: |$)`).test(text)) ?? "";
  const [option = "", meaning = ""] = line.trim().split(/ {3,}/);
  return [option, meaning];
}

test.each(COMMANDS.map(({ spec }) => [spec.name, spec] as const))(
  "%s: summary, examples and options are those of --help",
  async (name, spec) => {
    const { code, out } = await run([name, "--help"]);
    expect(code).toBe(0);
    const section = page.split(new RegExp(`^## ${name}$`, "m"))[1]?.split(/^## /m)[0] ?? "";
    expect(section).toContain(out.split("\n")[0] ?? "no summary");
    const examples = fencesIn(section)[0]?.text.split("\n") ?? [];
    expect(examples.length).toBeGreaterThanOrEqual(2);
    expect(out).toContain(`Examples:\n${examples.map((line) => `  ${line}`).join("\n")}`);
    const [table] = tablesIn(section);
    expect(table?.rows.map(([option = "", meaning]) => [codeIn(option)[0], meaning]) ?? []).toEqual(
      spec.options.map((option) => shownIn(out, option)),
    );
  },
);

test("the overview lists every command, and the options that all of them take", async () => {
  const { out } = await run(["--help"]);
  const rows = tableWith(page, "command", "what it does").rows;
  expect(rows.map(([command = "", does]) => [codeIn(command)[0]?.split(" ")[0], does])).toEqual(
    COMMANDS.map(({ spec }) => [spec.name, spec.summary]),
  );
  for (const { spec } of COMMANDS) expect(out).toMatch(new RegExp(`^  ${spec.name} +${spec.summary}`, "m"));
  const global = tables.find(({ heading, header }) => heading === "Commands" && header[0] === "option");
  expect(global?.rows.map(([option = "", meaning]) => [codeIn(option)[0], meaning])).toEqual(
    GLOBAL_OPTIONS.map((option) => shownIn(out, option)),
  );
});

test("the exit codes are the program's", () => {
  expect(tableWith(page, "exit code", "meaning").rows).toContainEqual(["0", EXIT_WORDS[0]]);
  const rows = tables.find(({ heading }) => heading === "Exit codes")?.rows;
  expect(rows).toEqual(Object.entries(EXIT_WORDS));
});

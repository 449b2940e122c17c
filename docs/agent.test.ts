/** docs/agent.md on rules and times, compared with the code. */
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { RULES } from "../daemonset/containers/settings.ts";
import { BOOT_OFFSETS_MILLIS } from "../daemonset/schedule.ts";
import { codeIn, tableWith } from "./markdown.ts";

const page = await readFile(new URL("agent.md", import.meta.url), "utf8");

test("every rule is explained, and no other", () => {
  const { rows } = tableWith(page, "rule", "container", "why");
  expect(rows.map(([rule = ""]) => codeIn(rule)[0])).toEqual([...RULES]);
});

test("the times after a boot are those of the code", () => {
  const seconds = BOOT_OFFSETS_MILLIS.map((millis) => millis / 1_000);
  expect(page).toContain(`${seconds.slice(0, -1).join(", ")} and ${seconds.at(-1)} s after the first look`);
});

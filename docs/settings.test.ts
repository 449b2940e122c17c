/** docs/settings.md is the table of webhook/settings.ts in Markdown, word for word. */
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { SETTINGS } from "../webhook/settings.ts";
import { tableWith } from "./markdown.ts";

const page = await readFile(new URL("settings.md", import.meta.url), "utf8");

test("every setting is listed, with its values, default and meaning, and no other", () => {
  const { rows } = tableWith(page, "flag", "value", "default", "meaning");
  expect(rows).toEqual(
    Object.values(SETTINGS).map(({ flag, shape, shownFallback, help }) => [
      `\`--${flag}\``,
      shape,
      shownFallback === "" ? "none" : `\`${shownFallback}\``,
      help,
    ]),
  );
});

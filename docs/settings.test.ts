/** The tables of settings in docs/ are those of the code in Markdown, word for word. */
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { SETTINGS as AGENT } from "../daemonset/settings.ts";
import { SETTINGS as WEBHOOK } from "../webhook/settings.ts";
import { tableWith } from "./markdown.ts";

test.each([
  ["the webhook", "settings.md", WEBHOOK],
  ["the agent", "agent.md", AGENT],
])(
  "every setting of %s is listed, with its values, default and meaning, and no other",
  async (_who, file, settings) => {
    const page = await readFile(new URL(file, import.meta.url), "utf8");
    const { rows } = tableWith(page, "flag", "value", "default", "meaning");
    expect(rows).toEqual(
      Object.values(settings).map(({ flag, shape, shownFallback, help }) => [
        `\`--${flag}\``,
        shape,
        shownFallback === "" ? "none" : `\`${shownFallback}\``,
        help,
      ]),
    );
  },
);

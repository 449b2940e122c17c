import { expect, test } from "vitest";
import { anchorsIn, codeIn, fencesIn, linksIn, tablesIn, tableWith } from "./markdown.ts";

const PAGE = `# A page: *with* \`code\`

| name | meaning |
| ---- | ------- |
| \`a\\|b\` | x |

## Second

\`\`\`sh
echo [no](link.md)
| no | table |
# no heading
\`\`\`

[one](a.md#b) and \`[two](c.md)\`

| other |
| :---: |
| y |
`;

test("tables come with their heading, and an escaped bar stays in its cell", () => {
  expect(tablesIn(PAGE)).toEqual([
    { heading: "A page: *with* `code`", header: ["name", "meaning"], rows: [["`a|b`", "x"]] },
    { heading: "Second", header: ["other"], rows: [["y"]] },
  ]);
  expect(tableWith(PAGE, "other").rows).toEqual([["y"]]);
  expect(() => tableWith(PAGE, "neither")).toThrow("expected one, got 0");
});

test("code, fences, links and anchors are those of GitHub", () => {
  expect(codeIn("`a` and `b c`")).toEqual(["a", "b c"]);
  expect(codeIn(PAGE)).toEqual(["code", "a\\|b", "[two](c.md)"]);
  expect(fencesIn(PAGE)).toEqual([
    { language: "sh", text: "echo [no](link.md)\n| no | table |\n# no heading" },
  ]);
  expect(linksIn(PAGE)).toEqual([{ text: "one", target: "a.md#b" }]);
  expect(anchorsIn(PAGE)).toEqual(["a-page-with-code", "second"]);
});

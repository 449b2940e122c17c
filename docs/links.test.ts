/** Whatever the documentation points to has to be there: files, headings, scripts, chart values. */
import { existsSync } from "node:fs";
import { glob, readFile } from "node:fs/promises";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { anchorsIn, codeIn, linksIn, tableWith } from "./markdown.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const pages = new Map<string, string>();
for await (const path of glob(
  ["*.md", "docs/*.md", "charts/nodelatch/README.md", "bench/**/README.md", "test/**/README.md"],
  { cwd: root },
)) {
  pages.set(path, await readFile(join(root, path), "utf8"));
}
const scripts = textsAt(JSON.parse(await readFile(join(root, "package.json"), "utf8")), "scripts");
const values: unknown = parse(await readFile(join(root, "charts/nodelatch/values.yaml"), "utf8"));

test("all pages are looked at", () => {
  expect([...pages.keys()]).toEqual(
    expect.arrayContaining([
      "README.md",
      "CONTRIBUTING.md",
      "docs/operations.md",
      "charts/nodelatch/README.md",
      "test/cluster/README.md",
    ]),
  );
});

test.each([...pages.keys()])("every relative link and anchor in %s exists", async (path) => {
  const broken: string[] = [];
  for (const { target } of linksIn(pages.get(path) ?? "")) {
    if (/^[a-z]+:/.test(target)) continue;
    const [file = "", anchor] = target.split("#");
    const found = file === "" ? path : normalize(join(dirname(path), file));
    if (!existsSync(join(root, found))) broken.push(target);
    else if (anchor !== undefined) {
      const text = pages.get(found) ?? (await readFile(join(root, found), "utf8"));
      if (!anchorsIn(text).includes(anchor)) broken.push(target);
    }
  }
  expect(broken).toEqual([]);
});

test.each([...pages.keys()])("every npm script named in %s exists", (path) => {
  const named = [...(pages.get(path) ?? "").matchAll(/npm run ([a-z][a-z:-]*)/g)].map(
    ([, name = ""]) => name,
  );
  expect(named.filter((name) => !scripts.has(name))).toEqual([]);
});

test("CONTRIBUTING's menu has every script that people call and that exists, and no other", async () => {
  const menu = tableWith(pages.get("CONTRIBUTING.md") ?? "", "script", "what it does", "needs").rows;
  const listed = menu.flatMap(([script = ""]) => codeIn(script)).filter((code) => code.startsWith("npm "));
  const called = [...scripts.values()].flatMap((line) =>
    [...line.matchAll(/npm run (?:--silent )?([a-z:]+)/g)].map(([, name]) => name),
  );
  const menuWorthy = [...scripts].filter(([name, line]) => {
    const program = /\bnode ((?!scripts\/setup)\S+)/.exec(scripts.get(`${name}:run`) ?? line)?.[1];
    const isThere = program === undefined || existsSync(join(root, program));
    return isThere && (name === "check" || !called.includes(name));
  });
  expect(listed.map((code) => code.replace(/^npm (run )?/, "").replace(/ -- NAME$/, "")).sort()).toEqual(
    menuWorthy.map(([name]) => name).sort(),
  );
});

test("every path in CONTRIBUTING's list of folders exists", () => {
  const folders = [...(pages.get("CONTRIBUTING.md") ?? "").matchAll(/^([a-z/]+\/) {2,}/gm)].map(
    ([, folder = ""]) => folder,
  );
  expect(folders.length).toBeGreaterThan(8);
  expect(folders.filter((folder) => !existsSync(join(root, folder)))).toEqual([]);
});

/** `webhook.replicas` and the like; not files such as `guard.md`, nor the names of webhooks. */
const valueName = new RegExp(`^(?:${Object.keys(parseMap(values)).join("|")})\\.[A-Za-z.]+$`);

test.each([...pages.keys()])("every value of the chart named in %s exists", (path) => {
  const named = codeIn(pages.get(path) ?? "")
    .map((code) => code.split(": ")[0] ?? "")
    .filter((code) => valueName.test(code) && !/\.(ts|md|yaml|io)$/.test(code));
  expect(named.filter((name) => valueAt(name) === undefined)).toEqual([]);
});

test("the README's table shows the chart's defaults", () => {
  const { rows } = tableWith(pages.get("README.md") ?? "", "value", "default", "meaning");
  expect(rows.length).toBeGreaterThan(5);
  const shown = rows.map(([name = "", fallback = ""]) => [codeIn(name)[0], codeIn(fallback)[0] ?? fallback]);
  const actual = shown.map(([name = "", fallback = ""]) => {
    const value = valueAt(name);
    // A list is told by its length and in words.
    return [name, Array.isArray(value) ? fallback.replace(/^\d+/, String(value.length)) : String(value)];
  });
  expect(shown).toEqual(actual);
  expect(shown.filter(([name]) => Array.isArray(valueAt(name ?? "")))).toEqual([
    ["guard.exemptDeleters", expect.stringMatching(/^\d+ /)],
    ["tools", expect.stringMatching(/^\d+ /)],
  ]);
});

function valueAt(path: string): unknown {
  let found = values;
  for (const key of path.split(".")) found = parseMap(found)[key];
  return found;
}

function parseMap(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function textsAt(value: unknown, key: string): ReadonlyMap<string, string> {
  return new Map(Object.entries(parseMap(parseMap(value)[key])).map(([name, line]) => [name, String(line)]));
}

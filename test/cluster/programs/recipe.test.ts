import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { kubernetesVersion, recipeKey, recipes } from "./recipe.ts";

const here = import.meta.dirname;

test("stamps the version that go.mod pins", async () => {
  const module = await readFile(join(here, "kubernetes", "go.mod"), "utf8");
  expect(/^\tk8s\.io\/kubernetes (\S+)/m.exec(module)?.[1]).toBe(kubernetesVersion);
});

test("lists as tools what it builds", async () => {
  for (const { folder, programs } of recipes) {
    const module = await readFile(join(here, folder, "go.mod"), "utf8");
    const tools = module.match(/^(?:tool\s+|\t)\S+\/(?:cmd\/\S+|server\/v3)$/gm) ?? [];
    expect(tools).toHaveLength(programs.size);
  }
});

test("has another key for another checksum, Go or flag", async () => {
  const folder = await mkdtemp(join(tmpdir(), "nodelatch-recipe-"));
  try {
    const [recipe] = recipes;
    if (recipe === undefined) throw new Error("there is no recipe");
    await cp(join(here, recipe.folder), join(folder, recipe.folder), { recursive: true });
    const keys = [await recipeKey(recipe, here, "go1"), await recipeKey(recipe, here, "go2")];
    keys.push(await recipeKey({ ...recipe, ldflags: [] }, here, "go1"));
    expect(await recipeKey(recipe, folder, "go1")).toBe(keys[0]);
    await writeFile(join(folder, recipe.folder, "go.sum"), "changed");
    keys.push(await recipeKey(recipe, folder, "go1"));
    expect(new Set(keys).size).toBe(4);
  } finally {
    await rm(folder, { recursive: true });
  }
});

import { access, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { run, runOrThrow } from "../process/run.ts";
import { type ProgramName, type Recipe, recipeKey, recipes } from "./recipe.ts";

/** Where each program lies. */
export type Programs = ReadonlyMap<ProgramName, string>;

export interface BuildContext {
  /** Folder outside the checkout that keeps the built programs. */
  readonly cacheFolder: string;
  /** Folder with one sub-folder (go.mod, go.sum) per recipe. */
  readonly modulesFolder: string;
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}

const buildTimeoutMillis = 40 * 60_000;

/** Finds every program in the cache or builds it from its Go module. Throws a sentence naming the part that can't be had. */
export async function ensurePrograms(context: BuildContext): Promise<Programs> {
  const goVersion = await findGo(context.signal);
  const programs = new Map<ProgramName, string>();
  for (const recipe of recipes) {
    const folder = await ensureRecipe(recipe, goVersion, context);
    for (const name of recipe.programs.keys()) programs.set(name, join(folder, name));
  }
  return programs;
}

async function findGo(signal: AbortSignal): Promise<string> {
  try {
    const { stdout } = await runOrThrow(["go", "env", "GOVERSION"], { timeoutMillis: 60_000, signal });
    return stdout.trim();
  } catch (cause) {
    throw new Error("Go is needed to build Kubernetes, etcd and helm: install Go 1.25 or newer", { cause });
  }
}

async function ensureRecipe(recipe: Recipe, goVersion: string, context: BuildContext): Promise<string> {
  const key = await recipeKey(recipe, context.modulesFolder, goVersion);
  const parent = join(context.cacheFolder, "programs");
  const folder = join(parent, `${recipe.folder}-${key}`);
  if (await exists(folder)) return folder;
  await mkdir(parent, { recursive: true });
  const unfinished = await mkdtemp(join(parent, `.building-${recipe.folder}-`));
  try {
    await build(recipe, unfinished, context);
    await publish(unfinished, folder);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return folder;
}

async function build(recipe: Recipe, into: string, context: BuildContext): Promise<void> {
  const names = [...recipe.programs.keys()].join(", ");
  context.log(`building ${names} (${recipe.howLong} the first time)`);
  const started = performance.now();
  // Each module lists its programs as Go tools; GOWORK would pull in whatever surrounds the checkout.
  const built = await run(
    ["go", "build", "-trimpath", "-ldflags", recipe.ldflags.join(" "), "-o", `${into}/`, "tool"],
    {
      cwd: join(context.modulesFolder, recipe.folder),
      env: { CGO_ENABLED: "0", GOWORK: "off", GOFLAGS: "-buildvcs=false -mod=readonly" },
      timeoutMillis: buildTimeoutMillis,
      signal: context.signal,
    },
  );
  if (built.code !== 0) throw new Error(`${names} can't be built from Go modules: ${built.stderr.trim()}`);
  for (const [name, file] of recipe.programs) {
    if (name !== file) await rename(join(into, file), join(into, name));
    if (!(await exists(join(into, name)))) throw new Error(`go build left no ${name} in ${into}`);
  }
  context.log(`built ${names} in ${Math.round((performance.now() - started) / 1000)} s`);
}

/** One rename makes the whole folder appear; when another run was first, its folder is as good. */
async function publish(unfinished: string, folder: string): Promise<void> {
  try {
    await rename(unfinished, folder);
  } catch (error) {
    if (!(await exists(folder))) throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

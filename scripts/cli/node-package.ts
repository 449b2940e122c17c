/** Fetches Node.js executables of other versions and platforms, as packages with npm's own client, and keeps them. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { NodePackage } from "./platform.ts";

const run = promisify(execFile);
/** 50 MB each. */
const FETCH_TIMEOUT_MILLIS = 5 * 60_000;

export interface FetchedNode {
  readonly node: string;
  readonly licence: string;
}

/** A program and its first arguments. */
export type Npm = readonly [program: string, ...args: string[]];

/** The npm that has started us, or the machine's. */
export function npmOf(env: Readonly<Record<string, string | undefined>>): Npm {
  const own = env["npm_execpath"];
  return own === undefined ? ["npm"] : [process.execPath, own];
}

/**
 * Paths of the executable and of its licence, in a folder of `cache` that is made whole or not at all.
 * @throws Error naming the package if it can't be had or is not the one that was meant.
 */
export async function fetchNode(wanted: NodePackage, cache: string, npm: Npm): Promise<FetchedNode> {
  const what = `${wanted.name}@${wanted.version}`;
  const folder = join(cache, `${wanted.name}-${wanted.version}`);
  const fetched = { node: join(folder, "bin", "node"), licence: join(folder, "LICENSE") };
  if (existsSync(fetched.node)) return fetched;
  await mkdir(cache, { recursive: true });
  const making = await mkdtemp(join(cache, "fetching-"));
  try {
    const archive = await npmPack(npm, what, making);
    const digest = createHash("sha512")
      .update(await readFile(archive))
      .digest("base64");
    if (`sha512-${digest}` !== wanted.integrity) {
      throw new Error(`its archive has sha512-${digest}, expected ${wanted.integrity}`);
    }
    const parts = ["package/bin/node", "package/LICENSE"];
    await run("tar", ["-xzf", archive, "-C", making, ...parts]);
    await rename(join(making, "package"), folder).catch((cause: unknown) => {
      // Somebody else was faster; theirs is the same.
      if (!existsSync(fetched.node)) throw cause;
    });
  } catch (cause) {
    throw new Error(`fetch ${what}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  } finally {
    await rm(making, { recursive: true, force: true });
  }
  return fetched;
}

/** The archive's path. */
async function npmPack([program, ...args]: Npm, what: string, folder: string): Promise<string> {
  const words = [...args, "pack", what, "--silent", "--pack-destination", folder];
  const { stdout } = await run(program, words, { timeout: FETCH_TIMEOUT_MILLIS });
  return join(folder, stdout.trim().split("\n").at(-1) ?? "");
}

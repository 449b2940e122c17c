/** Node.js with a program inside: "single executable applications" of Node's manual. */
import { execFile } from "node:child_process";
import { chmod, copyFile, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { signAdHoc } from "./ad-hoc-signature.ts";

const run = promisify(execFile);
const STEP_TIMEOUT_MILLIS = 5 * 60_000;

/** Node's manual names both; the fuse is a text in the executable that says whether there is a program inside. */
const RESOURCE = "NODE_SEA_BLOB";
const FUSE = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";
const MACHO_SEGMENT = "NODE_SEA";

/**
 * Writes `main` (CommonJS, one file) as the blob that goes into executables of `node`'s version, of any platform.
 * @param node runs here.
 */
export async function makeBlob(node: string, main: string, blob: string): Promise<void> {
  const settings = {
    main,
    output: blob,
    disableExperimentalSEAWarning: true,
    // Both would be of the machine that makes them.
    useCodeCache: false,
    useSnapshot: false,
    // What NODE_OPTIONS says is meant for somebody else's programs.
    execArgvExtension: "none",
  };
  const file = `${blob}.json`;
  await writeFile(file, JSON.stringify(settings));
  await run(node, ["--experimental-sea-config", file], { timeout: STEP_TIMEOUT_MILLIS });
}

export interface ExecutableRequest {
  /** Of the platform that the executable is for. */
  readonly node: string;
  readonly blob: string;
  readonly out: string;
  /** Mach-O: what its ad-hoc signature calls the program; undefined for Linux, which wants none. */
  readonly signedAs: string | undefined;
}

/** Appears whole, under its name, or not at all. */
export async function makeExecutable({ node, blob, out, signedAs }: ExecutableRequest): Promise<void> {
  const partial = `${out}.partial`;
  try {
    await copyFile(node, partial);
    await chmod(partial, 0o755);
    const isMachO = signedAs !== undefined;
    const words = [partial, RESOURCE, blob, "--sentinel-fuse", FUSE];
    const segment = isMachO ? ["--macho-segment-name", MACHO_SEGMENT] : [];
    await run(process.execPath, [postject(), ...words, ...segment], { timeout: STEP_TIMEOUT_MILLIS });
    if (isMachO) await writeFile(partial, signAdHoc(await readFile(partial), signedAs));
    await rename(partial, out);
  } finally {
    await rm(partial, { force: true });
  }
}

/** Its command line: it has no types. */
function postject(): string {
  return join(dirname(createRequire(import.meta.url).resolve("postject")), "cli.js");
}

/**
 * Bundles each program into one self-contained file: `dist/NAME.mjs`, and the licences of what went in.
 * Run by `npm run bundle`; `npm run image` runs it by itself.
 */
import { existsSync } from "node:fs";
import { chmod, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import { thirdPartyLicences } from "./licences.ts";

/** A program of the image: `entry` is relative to the project's root and becomes `NAME.mjs`. */
export interface Program {
  readonly name: string;
  readonly entry: string;
}

/** What the image carries. The parse worker is a file of its own because a worker thread starts from a file. */
export const programs: readonly Program[] = [
  { name: "webhook", entry: "webhook/main.ts" },
  { name: "parse-worker", entry: "webhook/parse-worker.ts" },
  { name: "agent", entry: "daemonset/main.ts" },
];

/** `kubectl nodelatch`, for people's own machines: it must run with the Node.js that they have. */
export const cli: Program = { name: "kubectl-nodelatch", entry: "cli/main.ts" };
/** The oldest that undici 8 runs with, which client-node brings along. */
export const CLI_TARGET = "node22.19";

/** Name of the file with the licence texts of all bundled packages. */
export const LICENCES_FILE = "LICENCES.txt";

export interface BundleRequest {
  /** Project root: entries and node_modules are looked up here. */
  readonly root: string;
  /** Created when missing. Each file appears whole, under its final name, or not at all. */
  readonly outDir: string;
  readonly programs: readonly Program[];
  /** Oldest Node.js that they must run with; Node 24, which the image carries, if absent. */
  readonly target?: string;
  /** What they are written as: `.mjs` if absent, or `.cjs`, the only kind that Node 24 takes into an executable. */
  readonly format?: "esm" | "cjs";
  /** Code that runs first in each program. */
  readonly prelude?: string;
  /** Defaults to LICENCES_FILE. */
  readonly licencesFile?: string;
}

// Some dependencies are CommonJS and call require() for Node's own modules, which an ES module does not have.
const banner =
  'import{createRequire as bundleRequire}from"node:module";const require=bundleRequire(import.meta.url);';

/**
 * Node's own modules without the ES module that Node wraps around each when it is imported: making that one reads every
 * export, and reading node:http's `WebSocket` loads undici. An imported node:http costs 16.9 MiB of resident memory, the
 * same module taken so 3.3 (Node 24.21).
 */
const plainBuiltins: Plugin = {
  name: "plain-builtins",
  setup(build) {
    build.onResolve({ filter: /^[\w:/]+$/ }, ({ path, kind }) =>
      isBuiltin(path) && kind !== "require-call" ? { path, namespace: "builtin" } : undefined,
    );
    build.onLoad({ filter: /./, namespace: "builtin" }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`,
    }));
  },
};

/**
 * Left out, as none of our programs comes to the require() that asks for it: the loader is for gRPC servers that offer
 * channelz or ORCA, xml2js for introspection of D-Bus objects. 0.3 MB of text that Node would keep in memory.
 */
const NEVER_LOADED = ["@grpc/proto-loader", "xml2js"];

/**
 * Bundles `programs` and returns the paths of the files written, licences last.
 * @throws Error naming every entry file that does not exist; esbuild's own error when the code does not build.
 */
export async function bundle(request: BundleRequest): Promise<readonly string[]> {
  const missing = request.programs.filter((program) => !existsSync(join(request.root, program.entry)));
  if (missing.length > 0) {
    const named = missing.map((program) => `${program.entry} (for ${program.name}.mjs)`).join(", ");
    throw new Error(`bundle: no such entry file: ${named}`);
  }
  const format = request.format ?? "esm";
  const result = await build({
    absWorkingDir: request.root,
    entryPoints: Object.fromEntries(request.programs.map(({ name, entry }) => [name, entry])),
    outdir: request.outDir,
    outExtension: { ".js": format === "esm" ? ".mjs" : ".cjs" },
    bundle: true,
    write: false,
    metafile: true,
    platform: "node",
    target: request.target ?? "node24",
    format,
    banner: { js: `${format === "esm" ? banner : ""}${request.prelude ?? ""}` },
    plugins: [plainBuiltins],
    external: NEVER_LOADED,
    // Names of functions and classes stay: a stack trace from the field has to be readable without a source map.
    minifySyntax: true,
    minifyWhitespace: true,
    // Licences go to one complete file instead of the comments some packages happen to mark.
    legalComments: "none",
    logLevel: "warning",
  });
  await mkdir(request.outDir, { recursive: true });
  const licences = await thirdPartyLicences(request.root, Object.keys(result.metafile.inputs));
  const written: string[] = [];
  for (const file of result.outputFiles) written.push(await writeWhole(file.path, file.contents));
  written.push(
    await writeWhole(join(request.outDir, request.licencesFile ?? LICENCES_FILE), Buffer.from(licences)),
  );
  return written;
}

async function writeWhole(path: string, content: Uint8Array): Promise<string> {
  const partial = `${path}.${process.pid}.partial`;
  try {
    await writeFile(partial, content);
    await rename(partial, path);
  } finally {
    await rm(partial, { force: true });
  }
  return path;
}

/** Whose Node.js is too old should read that, and not where undici fails to load. */
const oldNodePrelude =
  "const[major,minor]=process.versions.node.split('.').map(Number);" +
  "if(major<22||(major===22&&minor<19)){console.error('error: kubectl-nodelatch needs Node.js >= 22.19; this is '+" +
  "process.version);process.exit(2)}";

/** The one file of `kubectl nodelatch`, executable, and its licences. @throws as bundle. */
export async function bundleCli(root: string, outDir: string): Promise<readonly string[]> {
  const licencesFile = `${cli.name}.LICENCES.txt`;
  const request = {
    root,
    outDir,
    programs: [cli],
    target: CLI_TARGET,
    licencesFile,
    prelude: oldNodePrelude,
  };
  const written = await bundle(request);
  await chmod(join(outDir, `${cli.name}.mjs`), 0o755);
  return written;
}

if (import.meta.main) {
  const root = fileURLToPath(new URL("..", import.meta.url));
  try {
    const outDir = join(root, "dist");
    const written = [...(await bundle({ root, outDir, programs })), ...(await bundleCli(root, outDir))];
    for (const path of written) console.log(`bundle: ${path}`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}

// Entry of `npm run test:node`: the agent against real runtimes and a real logind, and a true count at the end.
import { tmpdir } from "node:os";
import { isGood, renderCounts } from "../cluster/counts/counts.ts";
import { parseCommandLine } from "../cluster/command-line.ts";
import { ensureContainerdLines } from "../cluster/programs/containerd-lines.ts";
import { ensurePackages } from "../cluster/programs/packages.ts";
import { runTests } from "../cluster/run-tests.ts";
import { nodeParts } from "./parts.ts";
import { makeRunFolder, removeRunFolder, sweepDeadRuns } from "./run-folder.ts";
import { withoutServices } from "./service-policy.ts";

const usage = `npm run test:node [-- [--prepare] [-t NAME] [PATTERN...]]
  Runs the test files below test/node whose path contains a PATTERN (all, without any).
  --prepare      only fetch what a run needs
  -t NAME        only tests whose name matches; the others count as skipped`;

const log = (line: string): void => console.log(`node: ${line}`);

/** The exit code. Throws a sentence saying what is missing. */
async function main(words: readonly string[], signal: AbortSignal): Promise<number> {
  const command = parseCommandLine(words);
  if (command.kind === "help") {
    console.log(usage);
    return 0;
  }
  if (command.kind === "prepare") {
    await fetchParts(signal);
    return 0;
  }
  if (command.kind !== "run" || command.keep || !command.image) {
    const why = command.kind === "error" ? command.message : "there is no cluster here";
    console.error(`${why}\n${usage}`);
    return 2;
  }
  // From here on a run that ends early counts as a failure.
  lastLine = "0 passed, 1 failed, 0 skipped";
  await fetchParts(signal);
  const parent = tmpdir();
  await sweepDeadRuns(parent, log);
  const folder = await makeRunFolder(parent);
  process.env["TMPDIR"] = folder;
  try {
    const counts = await runTests({
      config: "test/node/vitest.config.ts",
      tests: command.tests,
      signal,
      reportFile: process.env["NODELATCH_COUNTS_FILE"],
    });
    lastLine = renderCounts(counts);
    // With -t the caller asked for the others to be left out.
    return isGood(command.tests.name === undefined ? counts : { ...counts, skipped: 0 }) ? 0 : 1;
  } finally {
    await removeRunFolder(folder);
  }
}

/** Throws a sentence naming the part that can't be had. */
async function fetchParts(signal: AbortSignal): Promise<void> {
  if (process.platform !== "linux") throw new Error(`real runtimes need Linux; this is ${process.platform}`);
  if (process.geteuid?.() !== 0) {
    throw new Error("real runtimes need root (namespaces, mounts, cgroups): run this as root");
  }
  await withoutServices(async () =>
    ensurePackages({ needer: "the test on real runtimes", parts: nodeParts, log, signal }),
  );
  await ensureContainerdLines({ log, signal });
}

/** Printed after everything else, whatever that is. */
let lastLine: string | undefined;
const interrupt = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.once(name, () => interrupt.abort(new Error(`ended by ${name}`)));
}
try {
  process.exitCode = await main(process.argv.slice(2), interrupt.signal);
} catch (error) {
  console.error(`node: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = interrupt.signal.aborted ? 130 : 1;
}
if (lastLine !== undefined) console.log(lastLine);

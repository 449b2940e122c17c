import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TestSelection } from "./command-line.ts";
import { type Counts, couldNotRun, parseReport } from "./counts/counts.ts";

const checkout = fileURLToPath(new URL("../..", import.meta.url));

export interface TestRun {
  /** vitest's configuration, a path from the checkout. */
  readonly config: string;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly tests: TestSelection;
  readonly signal: AbortSignal;
  /** Where to leave vitest's own report, if anywhere. */
  readonly reportFile: string | undefined;
}

/** Runs test files with vitest, one after the other; its output goes to ours. */
export async function runTests(run: TestRun): Promise<Counts> {
  const folder = await mkdtemp(join(tmpdir(), "nodelatch-report-"));
  const report = join(folder, "report.json");
  try {
    const code = await vitest(run, report);
    const counts = await readReport(report);
    if (run.reportFile !== undefined) await copyFile(report, run.reportFile);
    // An error outside any test (such as an unhandled rejection) shows in the exit code alone.
    return code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function vitest(run: TestRun, report: string): Promise<number> {
  const names = run.tests.name === undefined ? [] : ["-t", run.tests.name];
  const args = [
    join(checkout, "node_modules", "vitest", "vitest.mjs"),
    "run",
    `--config=${join(checkout, run.config)}`,
    "--reporter=verbose",
    "--reporter=json",
    `--outputFile.json=${report}`,
    ...(run.tests.shard === undefined ? [] : [`--shard=${run.tests.shard}`]),
    ...names,
    ...run.tests.patterns,
  ];
  const child = spawn(process.execPath, args, {
    cwd: checkout,
    env: { ...process.env, ...run.env },
    signal: run.signal,
    stdio: ["ignore", "inherit", "inherit"],
  });
  await once(child, "exit");
  return child.exitCode ?? 1;
}

async function readReport(file: string): Promise<Counts> {
  try {
    return parseReport(await readFile(file, "utf8"));
  } catch (error) {
    console.error("vitest left no report", error);
    return couldNotRun;
  }
}

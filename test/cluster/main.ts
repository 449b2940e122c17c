// Entry of `npm run test:cluster`: real Kubernetes, the project's image, the scenario files, and a true count at the end.
import { cp, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { workPaths } from "./config/paths.ts";
import { type Cluster, openCluster } from "./cluster/cluster.ts";
import { infoVariable, readInfo } from "./cluster/info.ts";
import { startCluster } from "./cluster/start.ts";
import { removeDeadClusters, stopCluster } from "./cluster/stop.ts";
import { type Command, parseCommandLine, type TestSelection, usage } from "./command-line.ts";
import { isGood, renderCounts } from "./counts/counts.ts";
import { runOrThrow } from "./process/run.ts";
import { ensureTools } from "./programs/tools.ts";
import { runTests } from "./run-tests.ts";

const checkout = fileURLToPath(new URL("../..", import.meta.url));
const imageArchive = join(checkout, "dist", "nodelatch-image.tar");
const imageTimeoutMillis = 5 * 60_000;

const log = (line: string): void => console.log(`cluster: ${line}`);

async function main(command: Command, signal: AbortSignal): Promise<number> {
  switch (command.kind) {
    case "help":
      console.log(usage);
      return 0;
    case "error":
      console.error(`${command.message}\n${usage}`);
      return 2;
    case "prepare":
      await ensureTools({ log, signal });
      return 0;
    case "down":
      await stopCluster(resolve(command.file));
      return 0;
    case "up":
      await start(command.image, true, signal);
      return 0;
    case "use": {
      const cluster = openCluster(await readInfo(resolve(command.file)));
      if (command.image) await bringImage(cluster, signal);
      return test(cluster, command.tests, signal);
    }
    case "run":
      return runAll(command, signal);
    default:
      return command satisfies never;
  }
}

async function runAll(command: Extract<Command, { kind: "run" }>, signal: AbortSignal): Promise<number> {
  const cluster = await start(command.image, command.keep, signal);
  const paths = workPaths(cluster.info.workFolder);
  try {
    const code = await test(cluster, command.tests, signal);
    if (code !== 0) await keepLogs(paths.logs, command.tests.shard);
    return code;
  } finally {
    if (!command.keep) await stopCluster(paths.info);
  }
}

async function start(image: boolean, detached: boolean, signal: AbortSignal): Promise<Cluster> {
  await removeDeadClusters(log);
  const programs = await ensureTools({ log, signal });
  if (image) await buildImage(signal);
  const cluster = await startCluster({ programs, log, signal, detached });
  if (image) await cluster.importImage(imageArchive);
  if (detached) sayHowToUse(cluster);
  return cluster;
}

function sayHowToUse({ info }: Cluster): void {
  const { info: file } = workPaths(info.workFolder);
  log(`export KUBECONFIG=${info.kubeconfig}`);
  log(`kubectl: ${info.kubectl}`);
  log(`helm: ${info.helm}`);
  log(`run tests on it: npm run test:cluster -- --use ${file} [PATTERN...]`);
  log(`end it: npm run test:cluster -- --down ${file}`);
}

async function bringImage(cluster: Cluster, signal: AbortSignal): Promise<void> {
  await buildImage(signal);
  await cluster.importImage(imageArchive);
}

async function buildImage(signal: AbortSignal): Promise<void> {
  const script = join(checkout, "scripts", "image.ts");
  await runOrThrow([process.execPath, script], { cwd: checkout, timeoutMillis: imageTimeoutMillis, signal });
  log(`built ${imageArchive}`);
}

async function test(cluster: Cluster, tests: TestSelection, signal: AbortSignal): Promise<number> {
  const infoFile = workPaths(cluster.info.workFolder).info;
  const counts = await runTests({
    config: "test/cluster/vitest.config.ts",
    env: { [infoVariable]: infoFile },
    tests,
    signal,
    reportFile: process.env["NODELATCH_COUNTS_FILE"],
  });
  lastLine = renderCounts(counts);
  // With -t the caller asked for the others to be left out.
  return isGood(tests.name === undefined ? counts : { ...counts, skipped: 0 }) ? 0 : 1;
}

async function keepLogs(from: string, shard: string | undefined): Promise<void> {
  const part = shard === undefined ? "" : `-${shard.replace("/", "-of-")}`;
  const to = join(checkout, "dist", `cluster-logs${part}`);
  await rm(to, { recursive: true, force: true });
  await cp(from, to, { recursive: true });
  log(`logs of every component: ${to}`);
}

/** The messages of an error and of what caused it. */
function reasons(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return [String(error)];
  return [error.message, ...(error.cause === undefined ? [] : reasons(error.cause))];
}

/** Printed after everything else, so that it is the last line whatever tear-down has to say. */
let lastLine: string | undefined;
const interrupt = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.once(name, () => interrupt.abort(new Error(`ended by ${name}`)));
}
const command = parseCommandLine(process.argv.slice(2));
try {
  process.exitCode = await main(command, interrupt.signal);
} catch (error) {
  for (const reason of reasons(error)) console.error(`cluster: ${reason}`);
  process.exitCode = interrupt.signal.aborted ? 130 : 1;
  if (command.kind === "run" || command.kind === "use") lastLine ??= "0 passed, 1 failed, 0 skipped";
}
if (lastLine !== undefined) console.log(lastLine);

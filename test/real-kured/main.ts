// `node test/real-kured/main.ts --kured=PROGRAM [PATTERN...]`: the real kured against Nodelatch on a real cluster.
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { workPaths } from "../cluster/config/paths.ts";
import { infoVariable } from "../cluster/cluster/info.ts";
import { startCluster } from "../cluster/cluster/start.ts";
import { removeDeadClusters, stopCluster } from "../cluster/cluster/stop.ts";
import { isGood, renderCounts } from "../cluster/counts/counts.ts";
import { runOrThrow } from "../cluster/process/run.ts";
import { ensureTools } from "../cluster/programs/tools.ts";
import { runTests } from "../cluster/run-tests.ts";
import { KURED_USER } from "../kured/options.ts";
import { AUDIT_VARIABLE, auditPolicy, parseAudit, summary } from "./audit.ts";
import { withKuredImage } from "./kured-image.ts";

const checkout = fileURLToPath(new URL("../..", import.meta.url));
const usage = `usage: node test/real-kured/main.ts --kured=PROGRAM [PATTERN...]
  --kured    kured's program, built with CGO_ENABLED=0
  PATTERN    only files whose path has it`;

const log = (line: string): void => console.log(`real-kured: ${line}`);
const interrupt = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.once(name, () => interrupt.abort(new Error(`ended by ${name}`)));
}

async function main(kured: string, patterns: readonly string[], signal: AbortSignal): Promise<boolean> {
  await removeDeadClusters(log);
  const programs = await ensureTools({ log, signal });
  const image = join(checkout, "scripts", "image.ts");
  await runOrThrow([process.execPath, image], { cwd: checkout, timeoutMillis: 300_000, signal });
  const folder = await mkdtemp(join(tmpdir(), "nodelatch-audit-"));
  const policy = join(folder, "policy.json");
  const audit = join(folder, "audit.log");
  await writeFile(policy, JSON.stringify(auditPolicy(KURED_USER)));
  await writeFile(audit, "");
  const apiServerFlags = [
    `--audit-policy-file=${policy}`,
    `--audit-log-path=${audit}`,
    "--audit-log-mode=blocking",
  ];
  try {
    const cluster = await startCluster({ programs, log, signal, apiServerFlags });
    const { info } = workPaths(cluster.info.workFolder);
    try {
      await cluster.importImage(join(checkout, "dist", "nodelatch-image.tar"));
      await withKuredImage(kured, async (archive) => cluster.importImage(archive));
      const counts = await runTests({
        config: "test/real-kured/vitest.config.ts",
        env: { [infoVariable]: info, [AUDIT_VARIABLE]: audit },
        tests: { patterns, name: undefined, shard: undefined },
        signal,
        reportFile: undefined,
      });
      log("what kured sent in all:");
      for (const line of summary(parseAudit(await readFile(audit, "utf8")))) log(`  ${line}`);
      lastLine = renderCounts(counts);
      return isGood(counts);
    } finally {
      await stopCluster(info);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Printed after everything else, so that it is the last line whatever tear-down has to say. */
let lastLine = "0 passed, 1 failed, 0 skipped";
const { values, positionals } = parseArgs({ options: { kured: { type: "string" } }, allowPositionals: true });
if (values.kured === undefined) {
  console.error(usage);
  process.exitCode = 2;
} else {
  try {
    await stat(values.kured);
    process.exitCode = (await main(values.kured, positionals, interrupt.signal)) ? 0 : 1;
  } catch (error) {
    console.error("real-kured:", error);
    process.exitCode = interrupt.signal.aborted ? 130 : 1;
  }
  console.log(lastLine);
}

// Ends .ci/run: `node total.ts FAILED REPORT...` says what failed, adds up vitest reports and prints `N passed, N failed,
// N skipped` as its last line. A report that is missing or broken belongs to a part that could not run. FAILED is 1 when a
// part ended badly: then at least one failure is counted, whatever the reports say (a lint error leaves none). Exits 1
// unless all is well.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { addCounts, type Counts, couldNotRun, isGood, parseReport, renderCounts } from "./counts.ts";
import { parseFailures, renderFailure } from "./failures.ts";

const checkout = fileURLToPath(new URL("../../../", import.meta.url));

async function countsOf(file: string): Promise<Counts> {
  try {
    const report = await readFile(file, "utf8");
    for (const failure of parseFailures(report, checkout)) console.log(renderFailure(failure));
    return parseReport(report);
  } catch (error) {
    console.error(`no counts from ${file}: ${error instanceof Error ? error.message : String(error)}`);
    return couldNotRun;
  }
}

const [partFailed, ...files] = process.argv.slice(2);
const counted = addCounts(await Promise.all(files.map(countsOf)));
const unseen = partFailed !== "0" && counted.failed === 0;
const total = unseen ? addCounts([counted, couldNotRun]) : counted;
console.log(renderCounts(total));
process.exitCode = isGood(total) ? 0 : 1;

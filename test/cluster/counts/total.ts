// Ends .ci/run: `node total.ts REPORT...` adds up vitest reports and prints `N passed, N failed, N skipped` as its last
// line. A report that is missing or broken belongs to a part that could not run. Exits 1 unless all passed.
import { readFile } from "node:fs/promises";
import { addCounts, type Counts, couldNotRun, isGood, parseReport, renderCounts } from "./counts.ts";

async function countsOf(file: string): Promise<Counts> {
  try {
    return parseReport(await readFile(file, "utf8"));
  } catch (error) {
    console.error(`no counts from ${file}: ${error instanceof Error ? error.message : String(error)}`);
    return couldNotRun;
  }
}

const files = process.argv.slice(2);
const total = addCounts(await Promise.all(files.map(countsOf)));
console.log(renderCounts(total));
process.exitCode = isGood(total) ? 0 : 1;

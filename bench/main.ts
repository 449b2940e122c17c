// Entry of `npm run bench -- NAME`: runs one bench, prints its table, then its result as one line of JSON.
import type { Bench } from "./bench.ts";
import { agentAtRestBench } from "./agent-at-rest/bench.ts";
import { deniedUncordonBench } from "./denied-uncordon/bench.ts";
import { gateBench } from "./gate/bench.ts";
import { handlerBench } from "./handler/bench.ts";
import { rebootStormBench } from "./reboot-storm/bench.ts";
import { staleLeasesBench } from "./stale-leases/bench.ts";
import { prepullBench } from "./prepull/bench.ts";
import { stuckContainersBench } from "./stuck-containers/bench.ts";

const benches: readonly Bench[] = [
  handlerBench,
  deniedUncordonBench,
  agentAtRestBench,
  stuckContainersBench,
  staleLeasesBench,
  gateBench,
  prepullBench,
  rebootStormBench,
];

function list(): string {
  const lines = benches.map(({ name, about, takes }) => {
    return `  ${name.padEnd(18)}${about}${takes === undefined ? "" : `; takes ${takes}`}`;
  });
  return ["npm run bench -- NAME", ...lines].join("\n");
}

async function main(words: readonly string[], signal: AbortSignal): Promise<number> {
  const [name, ...rest] = words;
  const bench = benches.find((bench) => bench.name === name);
  if (bench === undefined || (rest.length > 0 && bench.takes === undefined)) {
    if (words.length > 0) console.error(`bench: ${JSON.stringify(words.join(" "))} is none of these`);
    console.error(list());
    return 2;
  }
  const log = (line: string): void => console.log(`bench: ${line}`);
  const { text, result } = await bench.run({ log, words: rest, signal });
  console.log(text);
  console.log(JSON.stringify(result));
  return 0;
}

/** The messages of an error and of what caused it. */
function reasons(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return [String(error)];
  return [error.message, ...(error.cause === undefined ? [] : reasons(error.cause))];
}

const interrupt = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.once(name, () => interrupt.abort(new Error(`ended by ${name}`)));
}
try {
  process.exitCode = await main(process.argv.slice(2), interrupt.signal);
} catch (error) {
  for (const reason of reasons(error)) console.error(`bench: ${reason}`);
  process.exitCode = interrupt.signal.aborted ? 130 : 1;
}

// `node test/fleet/main.ts [--nodes=N] [--reboots=N] [--seed=N]`: one run of the fleet, and what came of it.
import { parseArgs } from "node:util";
import { startEmbedded } from "./embedded.ts";
import { runFleet } from "./fleet.ts";

const { values } = parseArgs({
  options: {
    nodes: { type: "string", default: "1000" },
    reboots: { type: "string", default: "1000" },
    seed: { type: "string", default: `${Date.now() % 1_000_000}` },
    flag: { type: "string", multiple: true, default: [] },
  },
});
const options = {
  nodes: Number(values.nodes),
  reboots: Number(values.reboots),
  seed: Number(values.seed),
};
console.log(`fleet: --nodes=${options.nodes} --reboots=${options.reboots} --seed=${options.seed}`);
const cluster = await startEmbedded(values.flag);
try {
  const begunMillis = performance.now();
  const result = await runFleet(cluster, options);
  const { history, ...rest } = result;
  for (const line of history) console.log(line);
  console.log(rest, `${Math.round(performance.now() - begunMillis)} ms`);
  process.exitCode = result.violation === undefined && result.leftBehind.length === 0 ? 0 : 1;
} finally {
  await cluster.close();
}

// Run in a machine: the agent's own boot pass each second until SIGTERM; prints a line of JSON after each. The last one is
// finished first.
import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { passParts, passPorts, watchNode } from "../../../daemonset/pass-parts.ts";
import { readConfig } from "../../../daemonset/config.ts";
import { makePasses } from "../../../daemonset/passes.ts";
import { realWorld } from "../../../daemonset/world.ts";

const read = readConfig(["boot", "--by-hand=true", "--api=off"], {});
if (read.kind !== "boot") throw new Error(JSON.stringify(read));
const end = new AbortController();
process.once("SIGTERM", () => end.abort());
const over = new AbortController();
const world = realWorld(read.config, {});
const log = pino({ level: "silent" });
const watch = watchNode(read.config, world, over.signal);
const passes = makePasses({
  ...passParts(read.config, world, log),
  ports: {
    ...passPorts(world, log),
    metrics: { passed: () => {}, settled: () => {}, kept: () => {} },
  },
  watch,
  onEnd: ({ result, report }) => {
    const removals = (report?.runtimes ?? []).flatMap((each) => (each.kind === "read" ? each.removals : []));
    console.log(JSON.stringify({ result, removals }));
  },
});
while (!end.signal.aborted) {
  await passes.run("boot", over.signal);
  await sleep(1_000);
}
over.abort();
await watch.ended;

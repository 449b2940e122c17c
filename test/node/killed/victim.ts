// The agent in a hurry: its time passes so many times as fast, so that all of a boot, marker and journal included, is
// over in a moment. Usage: victim.ts FACTOR FLAG...
import { pino } from "pino";
import { runAgent } from "../../../daemonset/agent.ts";
import { readConfig } from "../../../daemonset/config.ts";
import { realTime } from "../../../daemonset/host/time.ts";
import { realWorld } from "../../../daemonset/world.ts";

const [word, ...flags] = process.argv.slice(2);
const factor = Number(word);
const read = readConfig(flags, {});
if (read.kind !== "run") throw new Error(JSON.stringify(read));
const never = new AbortController().signal;
await runAgent({
  config: read.config,
  world: {
    ...realWorld(read.config, {}),
    time: {
      monotonicMillis: () => performance.now() * factor,
      sleep: async (millis, signal) => realTime.sleep(millis / factor, signal),
      random: Math.random,
    },
    // The machine's own kubelet, if it has one, has no part in this.
    kubelets: { look: async () => ({ kind: "running", name: "kubelet" }) },
  },
  log: pino({ level: "silent" }),
  version: "0.0.0",
  term: never,
  hurry: never,
});

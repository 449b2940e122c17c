// Passes over so many stale leases, and how much more memory they take than over a few. Arguments: a folder with the roots
// of two nodes, `few` and `many`. Prints JSON: MiB at the peak over the baseline, and after a collection.
import { join } from "node:path";
import { makeRemoval } from "../../daemonset/cni/apply/removal.ts";
import { Memory } from "../../daemonset/cni/memory/memory.ts";
import { makeMemoryStore } from "../../daemonset/cni/memory/store.ts";
import { runCniPass } from "../../daemonset/cni/pass/pass.ts";
import { DEFAULT_CNI_SETTINGS } from "../../daemonset/cni/settings.ts";
import { proven } from "../../daemonset/cni/testing/proven.ts";

const [root = ""] = process.argv.slice(2);
const MIB = 1024 * 1024;
const SAMPLE_MILLIS = 5;
const never = new AbortController().signal;
let skippedMillis = 0;

function agentAt(hostRoot: string) {
  const prove = async () => proven();
  const monotonicMillis = () => performance.now() + skippedMillis;
  const { apply, quarantine } = makeRemoval({
    hostRoot,
    quarantine: join(hostRoot, "var/lib/nodelatch/quarantine"),
    keeping: { seconds: 14 * 86_400, bytes: 1024 * MIB },
    prove,
    clock: { uptimeSeconds: () => 1, bootID: () => "boot", wallMillis: () => 0, monotonicMillis },
  });
  const memory = new Memory(undefined, "boot");
  const store = makeMemoryStore({ path: join(hostRoot, "var/lib/nodelatch/leases.json"), readOnly: false });
  const request = {
    hostRoot,
    settings: { ...DEFAULT_CNI_SETTINGS, networks: ["pods"] },
    memory,
    store,
    stops: new Map<string, number>(),
  };
  const ports = {
    prove,
    apply,
    quarantine,
    stopSandbox: async () => ({ kind: "stopped" }) as const,
    repairObstacle: () => undefined,
    monotonicMillis,
    wallMillis: () => 0,
    log: { info: () => {}, warn: () => {} },
  };
  return async () => runCniPass(request, ports, never);
}

/** Twice: first it is only seen, then it goes. */
async function passes(name: string): Promise<void> {
  const pass = agentAt(join(root, name));
  await pass();
  skippedMillis += 601_000;
  const { networks } = await pass();
  const [network] = networks;
  const moved = network?.outcomes.moved ?? 0;
  if (moved === 0 || network?.after.leases !== 0) throw new Error(`${moved} leases went, and others did not`);
}

const collect = (): void => globalThis.gc?.();
await passes("few");
collect();
const baseline = process.memoryUsage.rss();
let peak = baseline;
const sampling = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), SAMPLE_MILLIS);
await passes("many");
clearInterval(sampling);
collect();
const after = process.memoryUsage.rss();
console.log(
  JSON.stringify({
    baselineMebibytes: baseline / MIB,
    peakOverMebibytes: (peak - baseline) / MIB,
    afterOverMebibytes: (after - baseline) / MIB,
  }),
);

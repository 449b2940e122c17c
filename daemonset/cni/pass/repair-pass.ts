/** Stops again what kubelet has done with although its lease is still there. */
import { supersededHolders } from "../decide/repair.ts";
import { obstacleOf } from "../decide/ownership.ts";
import type { RepairLine } from "../report/report.ts";
import type { CniPassRequest, CniPorts } from "./request.ts";

/** One stop took 28 ms (facts/node-observed.md 1); one whose plugin hangs takes minutes. */
const MOST_PER_PASS = 20;

/** Never rejects. */
export async function passOverSandboxes(
  leaseHolders: ReadonlySet<string>,
  { settings, memory, stops }: CniPassRequest,
  ports: CniPorts,
  signal: AbortSignal,
): Promise<{ readonly lines: readonly RepairLine[]; readonly held: string | undefined }> {
  if (settings.sandboxRepair === "off" || leaseHolders.size === 0) return { lines: [], held: undefined };
  // Asked again: leases were read since, and to stop a sandbox kills what runs in it.
  const liveness = await ports.prove(signal);
  const proven = liveness.kind === "proven" ? liveness : undefined;
  const obstacle = obstacleOf(liveness, proven === undefined ? [] : memory.missingRuntimes(proven));
  if (proven === undefined || obstacle !== undefined || proven.ownedBy !== "own-pod") {
    return { lines: [], held: undefined };
  }
  const superseded = supersededHolders(proven, { leaseHolders, stops });
  if (superseded.length === 0) return { lines: [], held: undefined };
  const held = await ports.repairObstacle();
  const acts = settings.sandboxRepair === "on" && ports.apply !== undefined && held === undefined;
  const lines: RepairLine[] = [];
  for (const { id, pod } of superseded.slice(0, MOST_PER_PASS)) {
    if (signal.aborted) break;
    const name = pod === undefined ? "" : `${pod.namespace}/${pod.name}`;
    if (!acts) {
      lines.push({ id, pod: name, outcome: "would-stop", detail: held ?? "report only" });
      continue;
    }
    stops.set(id, (stops.get(id) ?? 0) + 1);
    const result = await ports.stopSandbox(id, signal);
    const outcome = result.kind === "stopped" ? "stopped" : "failed";
    const detail = result.kind === "stopped" ? "its network is torn down once more" : result.message;
    lines.push({ id, pod: name, outcome, detail });
    ports.log.info({ sandboxID: id, pod: name, outcome, detail }, "ended sandbox with a lease stopped again");
  }
  for (const id of stops.keys()) if (!proven.sandboxes.has(id)) stops.delete(id);
  return { lines, held };
}

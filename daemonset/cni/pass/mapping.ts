/** Whether leases in a network directory are those of the sandboxes that the runtime lists. */
import { join } from "node:path";
import type { Mapping } from "../decide/lease.ts";
import type { Proven } from "../decide/ownership.ts";
import { parseLease, LONGEST_LEASE_BYTES } from "../lease/content.ts";
import { entriesOf, readWhole } from "../lease/read.ts";
import { parseCache } from "../networks/cache-entry.ts";
import { MOST_CACHE_BYTES } from "../networks/cached.ts";
import { located } from "../networks/located.ts";
import { CACHE_DIRECTORIES, type NetworkDirectory } from "../networks/network.ts";
import { turn } from "../turn.ts";
import { ENTRIES_PER_TURN } from "./survey.ts";

/** As kubelet's pods and multus' second networks have them. */
const INTERFACES = ["eth0", "net1", "net2"];

/**
 * Caches of ready sandboxes lead to the addresses that they should hold. Without such a cache, or if a lease is not where
 * it leads, every lease is looked at.
 */
export async function mappingOf(
  network: NetworkDirectory,
  liveness: Proven,
  hostRoot: string,
): Promise<Mapping> {
  const ready = new Set(
    [...liveness.sandboxes.values()].filter(({ state }) => state === "ready").map(({ id }) => id),
  );
  if (ready.size === 0) return "silent";
  let expected = 0;
  for (const { hostPath, kind } of CACHE_DIRECTORIES) {
    if (kind !== "results") continue;
    const directory = await located(hostRoot, hostPath);
    for (const id of ready) {
      for (const ifname of INTERFACES) {
        const read = readWhole(directory, `${network.name}-${id}-${ifname}`, MOST_CACHE_BYTES);
        const cache = read.kind === "file" ? parseCache(read.reading.content) : undefined;
        if (cache?.kind !== "entry") continue;
        if (cache.addresses.some((address) => ownerIn(network.directory, address) === id)) return "held";
        if (cache.addresses.length > 0) expected += 1;
      }
    }
  }
  if (await holdsAny(network.directory, ready)) return "held";
  return expected > 0 ? "broken" : "silent";
}

async function holdsAny(directory: string, ids: ReadonlySet<string>): Promise<boolean> {
  let count = 0;
  for (const entry of entriesOf(directory)) {
    if (++count % ENTRIES_PER_TURN === 0) await turn();
    const owner = entry.isFile() ? ownerIn(directory, entry.name) : undefined;
    if (owner !== undefined && ids.has(owner)) return true;
  }
  return false;
}

function ownerIn(directory: string, name: string): string | undefined {
  // A cache's address could be anything.
  if (join(directory, name) !== `${directory}/${name}`) return undefined;
  const read = readWhole(directory, name, LONGEST_LEASE_BYTES);
  const content = read.kind === "file" ? parseLease(read.reading.content) : undefined;
  return content?.kind === "owned" ? content.id : undefined;
}

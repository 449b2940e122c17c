/**
 * Which directories hold leases of Kubernetes' pods. Only those are ever worked on: podman, nerdctl and others keep
 * reservations in the same place. A network counts if the runtime's own configuration names it, if a pod's cached result
 * does, or if the settings do.
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import { readText } from "../../host/files/read-text.ts";
import { codeOf, reasonOf } from "../../host/reason.ts";
import { entriesOf } from "../lease/read.ts";
import { isNetworkName, type NetworkConf } from "./conf.ts";
import { readCached, type CachedNetwork } from "./cached.ts";
import { readConfigured } from "./configured.ts";
import { located } from "./located.ts";
import type { Discovery, DiscoveryProblem, NetworkDirectory } from "./network.ts";
import { poolsOfSubnetEnv, type Pools } from "./pool.ts";

export interface DiscoveryOptions {
  /** Where the node's file system is seen. */
  readonly hostRoot: string;
  /** Where host-local keeps networks, as the node calls them; those that configuration names are added. */
  readonly dataDirs: readonly string[];
  readonly confDirs: readonly string[];
  /** Names of networks that are Kubernetes' whatever else says so. */
  readonly networks: readonly string[];
}

const MOST_FOREIGN = 50;
const CNI_ROOT = "/var/lib/cni";
const SUBNET_ENV = "/run/flannel/subnet.env";

/** Never rejects: what can't be read is a problem among the others. */
export async function discoverNetworks(options: DiscoveryOptions): Promise<Discovery> {
  const { hostRoot } = options;
  const { confs, owned, problems: confProblems } = await readConfigured(hostRoot, options.confDirs);
  const problems: DiscoveryProblem[] = [...confProblems];
  const reasons = new Map<string, string>();
  for (const [name, file] of owned) reasons.set(name, `${file} names it`);
  for (const name of options.networks) reasons.set(name, "the settings name it");
  let cached: ReadonlyMap<string, CachedNetwork> = new Map();
  try {
    cached = await readCached(hostRoot, new Set(reasons.keys()));
  } catch (thrown) {
    problems.push({ kind: "unreadable", hostPath: CNI_ROOT, reason: reasonOf(thrown) });
  }
  for (const [name, { hostPath }] of cached) reasons.set(name, `${hostPath} is a pod's`);

  const confOf = (name: string): NetworkConf | undefined => confs.get(name) ?? cached.get(name)?.conf;
  const dataDirs = new Set(options.dataDirs);
  for (const name of reasons.keys()) {
    for (const { dataDir } of confOf(name)?.ipam ?? []) if (dataDir?.startsWith("/")) dataDirs.add(dataDir);
  }
  const networks = new Map<string, NetworkDirectory>();
  const foreign: string[] = [];
  for (const dataDir of dataDirs) {
    try {
      for (const found of await directoriesIn(hostRoot, dataDir, [CNI_ROOT, ...dataDirs])) {
        const because = reasons.get(found.name);
        if (because === undefined) {
          if (foreign.length < MOST_FOREIGN) foreign.push(found.hostPath);
        } else if (found.kind === "out") {
          problems.push({
            kind: "link-leads-out",
            hostPath: found.hostPath,
            reason: `it leads to ${found.directory}`,
          });
        } else if (!networks.has(found.directory) || !found.isLink) {
          const pools = await poolsOfNetwork(hostRoot, confOf(found.name));
          const { name, hostPath, directory, isLink } = found;
          networks.set(directory, { name, hostPath, directory, isLink, because, pools });
        }
      }
    } catch (thrown) {
      // Not an error: there has been no pod yet, or the plugin keeps no files.
      if (codeOf(thrown) === "ENOENT" || codeOf(thrown) === "ENOTDIR") continue;
      problems.push({ kind: "unreadable", hostPath: dataDir, reason: reasonOf(thrown) });
    }
  }
  return { networks: sorted([...networks.values()]), names: new Set(reasons.keys()), foreign, problems };
}

/** The same from pass to pass, whatever order the disk has. */
function sorted(networks: readonly NetworkDirectory[]): readonly NetworkDirectory[] {
  return networks.toSorted((one, other) => (one.hostPath < other.hostPath ? -1 : 1));
}

interface Found {
  /** `out`: a link to somewhere that is none of host-local's. */
  readonly kind: "in" | "out";
  readonly name: string;
  readonly hostPath: string;
  readonly directory: string;
  readonly isLink: boolean;
}

async function directoriesIn(
  hostRoot: string,
  dataDir: string,
  roots: readonly string[],
): Promise<readonly Found[]> {
  const parent = await located(hostRoot, dataDir);
  const found: Found[] = [];
  // A data directory holds a few networks, not a node's worth of leases.
  for (const entry of entriesOf(parent)) {
    const { name } = entry;
    const hostPath = join(dataDir, name);
    if (!isNetworkName(name)) continue;
    if (entry.isDirectory()) {
      found.push({ kind: "in", name, hostPath, directory: join(parent, name), isLink: false });
    } else if (entry.isSymbolicLink()) {
      const directory = await located(hostRoot, hostPath);
      if (!isDirectory(directory)) continue;
      const allowed = await Promise.all(roots.map(async (root) => located(hostRoot, root)));
      const kind = allowed.some((root) => directory.startsWith(`${root}/`)) ? "in" : "out";
      found.push({ kind, name, hostPath, directory, isLink: true });
    }
  }
  return found;
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Of the last conf with that name; flannel's only where its own says nothing. */
async function poolsOfNetwork(hostRoot: string, conf: NetworkConf | undefined): Promise<Pools> {
  const local = conf?.ipam.find(({ type, pools }) => type === "host-local" && pools.size > 0);
  if (local !== undefined) return local.pools;
  if (conf?.isFlannel !== true) return new Map();
  const read = await readText(await located(hostRoot, SUBNET_ENV), 64 * 1_024);
  return read.kind === "text" ? poolsOfSubnetEnv(read.text) : new Map();
}

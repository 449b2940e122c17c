/** One pass over a node's CNI state: networks, leases, caches, ended sandboxes; then the memory and the report. */
import { readdir, lstat } from "node:fs/promises";
import { join } from "node:path";
import { mendedVersion } from "../decide/leaky-version.ts";
import { obstacleOf, type Obstacle, type Proven } from "../decide/ownership.ts";
import type { Liveness } from "../liveness/liveness.ts";
import { FingerprintMap } from "../memory/fingerprint-map.ts";
import { discoverNetworks } from "../networks/discover.ts";
import { located } from "../networks/located.ts";
import type { NetworkDirectory } from "../networks/network.ts";
import type { CniReport, NetworkReport, Trouble } from "../report/report.ts";
import type { CachePass } from "./cache-judge.ts";
import { passOverCaches } from "./cache-pass.ts";
import type { LeasePass } from "./lease-book.ts";
import { mappingOf } from "./mapping.ts";
import { passOverNetwork } from "./lease-pass.ts";
import { passOverSandboxes } from "./repair-pass.ts";
import type { CniPassRequest, CniPorts } from "./request.ts";

/** Ends soon after `signal` fires. Never rejects for anything that a runtime or a file does. */
export async function runCniPass(
  request: CniPassRequest,
  ports: CniPorts,
  signal: AbortSignal,
): Promise<CniReport> {
  const { settings, memory } = request;
  const startedMillis = ports.monotonicMillis();
  const startedAt = new Date(ports.wallMillis()).toISOString();
  const pass = memory.begin();
  const first = await ports.prove(signal);
  if (first.kind === "proven") pass.noteLists(first);
  const discovery = await discoverNetworks({ hostRoot: request.hostRoot, ...settings });
  const [released, held] = [new FingerprintMap(), new FingerprintMap()];
  const of: LeasePass = { request, ports, pass, first, released, held, endedHolders: new Set() };

  const networks: NetworkReport[] = [];
  let leasesWhole = !discovery.problems.some(({ kind }) => kind === "unreadable");
  let anyMappingHeld = false;
  for (const network of discovery.networks) {
    const walked = await passOverNetwork(network, of, signal);
    networks.push(walked.report);
    leasesWhole &&= walked.isWhole;
    anyMappingHeld ||= walked.mapping === "held";
  }
  if (first.kind === "proven" && first.ownedBy !== "own-pod" && settings.caches !== "off") {
    anyMappingHeld ||= await holdsAnywhere(discovery.networks, first, request.hostRoot);
  }
  const ofCaches: CachePass = { ...of, networks: discovery.names, leasesWhole, anyMappingHeld };
  const caches = settings.caches === "off" ? NO_CACHES : await passOverCaches(ofCaches, signal);
  const repairs = await passOverSandboxes(of.endedHolders, request, ports, signal);

  const isWhole = leasesWhole && caches.isWhole;
  memory.end(pass, isWhole && first.kind === "proven");
  const problem = ports.apply === undefined ? undefined : await request.store.save(memory);
  if (ports.apply !== undefined) await ports.quarantine?.prune(signal);
  const missing = first.kind === "proven" ? memory.missingRuntimes(first) : [];
  return {
    modes: { leases: settings.leases, caches: settings.caches, sandboxRepair: settings.sandboxRepair },
    acts: ports.apply !== undefined,
    startedAt,
    durationMillis: ports.monotonicMillis() - startedMillis,
    isWhole,
    obstacle: obstacleWords(obstacleOf(first, missing)),
    runtimes: askedRuntimes(first),
    networks,
    foreign: discovery.foreign,
    caches: caches.report,
    repairs: repairs.lines,
    repairHeld: repairs.held,
    deadNamespaces: await deadNamespaces(request.hostRoot, first),
    quarantine: await ports.quarantine?.usage(),
    memory: { knowsEarlierBoot: memory.knowsEarlierBoot, problem },
    troubles: discovery.problems.map(({ kind, hostPath, reason }): Trouble => ({
      kind,
      path: hostPath,
      seen: reason,
    })),
  };
}

const NO_CACHES: Awaited<ReturnType<typeof passOverCaches>> = {
  report: { files: 0, kept: {}, rules: {}, outcomes: {}, removals: [], troubles: [] },
  isWhole: true,
};

/** Networks without a lease to judge were not asked about. */
async function holdsAnywhere(
  networks: readonly NetworkDirectory[],
  liveness: Proven,
  hostRoot: string,
): Promise<boolean> {
  for (const network of networks) {
    try {
      if ((await mappingOf(network, liveness, hostRoot)) === "held") return true;
    } catch {
      // Told where its leases could not be read.
    }
  }
  return false;
}

function obstacleWords(obstacle: Obstacle | undefined): string | undefined {
  switch (obstacle?.kind) {
    case undefined:
      return undefined;
    case "unproven":
      return obstacle.reason;
    case "runtime-missing":
      return `${obstacle.hostPaths.join(", ")} answered before in this boot and is not there now`;
  }
}

function askedRuntimes(liveness: Liveness): CniReport["runtimes"] {
  if (liveness.kind === "unproven") return [];
  return liveness.runtimes.map(({ name, version, hostPath }) => ({
    name,
    version,
    path: hostPath,
    mended: mendedVersion(name, version),
  }));
}

const NAMESPACES = "/run/netns";

/** Empty files that a namespace was once mounted on. Told only: to remove one that is in use elsewhere would unmount it. */
async function deadNamespaces(hostRoot: string, liveness: Liveness): Promise<number> {
  if (liveness.kind === "unproven") return 0;
  let dead = 0;
  try {
    const directory = await located(hostRoot, NAMESPACES);
    for (const name of await readdir(directory)) {
      if (liveness.namespacePaths.has(`${NAMESPACES}/${name}`)) continue;
      const stat = await lstat(join(directory, name));
      if (stat.isFile() && stat.size === 0) dead += 1;
    }
  } catch {
    // Not there, or a name that has just gone: nothing to tell.
  }
  return dead;
}

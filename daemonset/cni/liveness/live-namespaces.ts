/**
 * Addresses of every network namespace that something lives in: a process, or a mount alone. Asked of the kernel, so
 * that they hold whatever a runtime has forgotten.
 */
import { readdirSync } from "node:fs";
import type { NetworkInterfaceInfo } from "node:os";
import { join } from "node:path";
import { setImmediate as yieldToOthers } from "node:timers/promises";
import { reasonOf } from "../../host/reason.ts";
import { addressesOfIfInet6, addressesOfTrie } from "./addresses.ts";
import type { EnterNamespace } from "./enter-namespace.ts";
import { namespaceMounts } from "./namespace-mounts.ts";
import { networkNamespaceOf, readProcFile } from "./proc-file.ts";

export interface NamespacesWorld {
  /** A procfs that shows all processes of the node, which takes hostPID. */
  readonly procfs: string;
  /** The mountinfo of a process that sees the node's mounts: the agent's own container has few of them. */
  readonly mountInfo: string;
  /** `os.networkInterfaces`, for the agent's own namespace, which is the node's and may hold a million routes. */
  readonly interfaces: () => NodeJS.Dict<NetworkInterfaceInfo[]>;
  readonly enter: EnterNamespace;
}

export interface LiveNamespaces {
  readonly addresses: ReadonlySet<string>;
  /** Where namespaces are mounted, as the node calls them, with /run for /var/run. */
  readonly paths: ReadonlySet<string>;
}

/** Whoever lives in a namespace may end while it is looked at; more than so many times in a row is no chance. */
const ROUNDS = 4;
const MAX_WITNESSES = 8;
const YIELD_AFTER = 50;

interface Homes {
  /** Some processes of each namespace. */
  readonly pids: ReadonlyMap<string, readonly string[]>;
  readonly mounts: ReadonlyMap<string, string>;
  readonly paths: ReadonlySet<string>;
}

/** @throws Error if one can't be looked into: nobody knows then which addresses are in use. */
export async function readLiveNamespaces(
  world: NamespacesWorld,
  signal: AbortSignal,
): Promise<LiveNamespaces> {
  const addresses = new Set<string>();
  for (const list of Object.values(world.interfaces())) {
    for (const { address } of list ?? []) addresses.add(address.replace(/%.*$/, ""));
  }
  const homes = findHomes(world);
  const own = networkNamespaceOf(join(world.procfs, "self"));
  let waiting = [...new Set([...homes.pids.keys(), ...homes.mounts.keys()])].filter((inode) => inode !== own);
  let seen = homes;
  let reason = "";
  for (let round = 0; waiting.length > 0; round++) {
    if (round === ROUNDS) throw new Error(`look into ${waiting.length} network namespaces: ${reason}`);
    if (round > 0) seen = findHomes(world);
    const unread: string[] = [];
    for (const [index, inode] of waiting.entries()) {
      signal.throwIfAborted();
      if (index % YIELD_AFTER === 0) await yieldToOthers();
      const problem = await lookInto(world, seen, inode, addresses, signal);
      if (problem === undefined) continue;
      unread.push(inode);
      reason = problem;
    }
    waiting = unread;
  }
  return { addresses, paths: homes.paths };
}

function findHomes({ procfs, mountInfo }: NamespacesWorld): Homes {
  const text = readProcFile(mountInfo);
  if (text === undefined)
    throw new Error(`${mountInfo} is not there; is the node's procfs to be seen (hostPID)?`);
  const mounts = namespaceMounts(text);
  const pids = new Map<string, string[]>();
  for (const name of readdirSync(procfs)) {
    if (!/^\d+$/.test(name)) continue;
    const inode = networkNamespaceOf(join(procfs, name));
    if (inode === undefined) continue;
    const known = pids.get(inode);
    if (known === undefined) pids.set(inode, [name]);
    else if (known.length < MAX_WITNESSES) known.push(name);
  }
  return {
    pids,
    mounts: new Map(mounts.map(({ inode, path }) => [inode, path])),
    paths: new Set(mounts.map(({ path }) => path.replace(/^\/var\/run\//, "/run/"))),
  };
}

/** Undefined when its addresses are known, or it is no more; else why they are not. */
async function lookInto(
  { procfs, enter }: NamespacesWorld,
  homes: Homes,
  inode: string,
  addresses: Set<string>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const pids = homes.pids.get(inode) ?? [];
  for (const pid of pids) if (readThrough(join(procfs, pid), inode, addresses)) return undefined;
  const path = homes.mounts.get(inode);
  if (path === undefined) return pids.length === 0 ? undefined : "their processes ended meanwhile";
  try {
    await enter({ path, inode, signal, use: (process) => readThrough(process, inode, addresses) });
    return undefined;
  } catch (thrown) {
    return reasonOf(thrown);
  }
}

/** Adds nothing, and gives false, unless the process was in that namespace all the time. */
function readThrough(process: string, inode: string, addresses: Set<string>): boolean {
  const trie = readProcFile(join(process, "net/fib_trie"));
  // Not there where IPv6 is switched off.
  const ifInet6 = readProcFile(join(process, "net/if_inet6")) ?? "";
  if (trie === undefined || networkNamespaceOf(process) !== inode) return false;
  for (const address of addressesOfTrie(trie)) addresses.add(address);
  for (const address of addressesOfIfInet6(ifInet6)) addresses.add(address);
  return true;
}

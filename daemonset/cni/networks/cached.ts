/** What the cache of results says of networks: whose pods used them, and with which configuration. */
import { readWhole, entriesOf } from "../lease/read.ts";
import { turn } from "../turn.ts";
import { codeOf } from "../../host/reason.ts";
import { confOfCache, parseCache, parseCacheName } from "./cache-entry.ts";
import type { NetworkConf } from "./conf.ts";
import { located } from "./located.ts";
import { CACHE_DIRECTORIES } from "./network.ts";

export interface CachedNetwork {
  /** The file that shows it, as the node calls it. */
  readonly hostPath: string;
  readonly conf: NetworkConf | undefined;
}

/** Of each network only so many entries are read: the first may be broken. */
const MOST_READ = 5;
const MOST_NETWORKS = 256;
export const MOST_CACHE_BYTES = 1_024 * 1_024;

/**
 * Networks that a pod used, by name, but for those known already. Reads names of all entries, and contents of few.
 * @throws Error if a directory is there and can't be read
 */
export async function readCached(
  hostRoot: string,
  known: ReadonlySet<string>,
): Promise<ReadonlyMap<string, CachedNetwork>> {
  const found = new Map<string, CachedNetwork>();
  const tries = new Map<string, number>();
  for (const { hostPath, kind } of CACHE_DIRECTORIES) {
    if (kind !== "results") continue;
    const directory = await located(hostRoot, hostPath);
    let count = 0;
    try {
      for (const entry of entriesOf(directory)) {
        if (++count % 2_000 === 0) await turn();
        const parsed = parseCacheName(entry.name);
        if (parsed === undefined || known.has(parsed.network) || found.has(parsed.network)) continue;
        const tried = tries.get(parsed.network) ?? 0;
        if (tried === MOST_READ || (tried === 0 && tries.size === MOST_NETWORKS)) continue;
        tries.set(parsed.network, tried + 1);
        const read = readWhole(directory, entry.name, MOST_CACHE_BYTES);
        const content = read.kind === "file" ? parseCache(read.reading.content) : undefined;
        if (content?.kind !== "entry" || !content.isPod || content.network !== parsed.network) continue;
        found.set(parsed.network, {
          hostPath: `${hostPath}/${entry.name}`,
          conf: confOfCache(content.config),
        });
      }
    } catch (thrown) {
      if (codeOf(thrown) !== "ENOENT" && codeOf(thrown) !== "ENOTDIR") throw thrown;
    }
  }
  return found;
}

/** What the names in a network directory say, before any file is read. */
import { familyOfCanonical } from "../lease/address.ts";
import { entriesOf } from "../lease/read.ts";
import { turn } from "../turn.ts";

export interface Survey {
  /**
   * OpenYurt's host-local keeps an address for a pod by an empty file `<address>_<namespace>_<pod>` and later writes into
   * the lease beside it (facts/cni-state.md 2): then no lease here is anybody else's to judge.
   */
  readonly retains: boolean;
  /** Directories and other things in the place of a lease: host-local takes these addresses for given away. */
  readonly blocked: readonly string[];
}

const MOST_BLOCKED = 20;
export const ENTRIES_PER_TURN = 2_000;

/** @throws Error if the directory can't be read */
export async function survey(directory: string): Promise<Survey> {
  let retains = false;
  const blocked: string[] = [];
  let count = 0;
  for (const entry of entriesOf(directory)) {
    if (++count % ENTRIES_PER_TURN === 0) await turn();
    retains ||= isRetention(entry.name);
    if (!entry.isFile() && blocked.length < MOST_BLOCKED && familyOfCanonical(entry.name) !== undefined) {
      blocked.push(entry.name);
    }
  }
  return { retains, blocked };
}

function isRetention(name: string): boolean {
  if (!name.includes("_")) return false;
  const [address = "", namespace = "", pod = ""] = name.split("_");
  return namespace !== "" && pod !== "" && familyOfCanonical(address) !== undefined;
}

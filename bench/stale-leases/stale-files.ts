/** Leases and cached results of pods that are long gone, as a node collects them. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheText } from "../../daemonset/cni/testing/cache-text.ts";

export interface StaleFiles {
  /** Directory of /var/lib/cni. */
  readonly root: string;
  readonly network: string;
  readonly count: number;
  /** So that no id is there twice. */
  readonly round: number;
}

/** One lease and one cached result for each id. */
export function makeStaleFiles({ root, network, count, round }: StaleFiles): void {
  const leases = join(root, "networks", network);
  const results = join(root, "results");
  mkdirSync(leases, { recursive: true });
  mkdirSync(results, { recursive: true });
  for (let number = 0; number < count; number++) {
    const id = `${round.toString(16).padStart(8, "0")}${number.toString(16).padStart(56, "0")}`;
    const address = addressOf(number);
    writeFileSync(join(leases, address), `${id}\r\neth0`, { mode: 0o600 });
    const text = cacheText({ id, network, addresses: [address] });
    writeFileSync(join(results, `${network}-${id}-eth0`), text, { mode: 0o600 });
  }
}

function addressOf(number: number): string {
  return `10.${64 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`;
}

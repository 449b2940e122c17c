/** What addresses the pods of a node truly have: asked in each namespace, not of any file. */
import type { CniNode } from "./cni-node.ts";

/** Every pod's address, one for each namespace that is mounted. */
export async function podAddresses(node: CniNode): Promise<readonly string[]> {
  const script =
    'for each in /run/netns/cni-*; do [ -e "$each" ] || continue; nsenter --net="$each" ip -4 -o addr show dev eth0 2> /dev/null; done || true';
  const said = await node.run("sh", "-c", script);
  return [...said.matchAll(/inet (10\.213\.[0-9.]+)\//g)].map((found) => found[1] ?? "");
}

/** Those that more than one pod has. */
export function duplicatesOf(addresses: readonly string[]): readonly string[] {
  return addresses.filter((address, index) => addresses.indexOf(address) !== index);
}

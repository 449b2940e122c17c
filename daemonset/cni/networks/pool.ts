/** How many addresses a network has for pods on this node, from host-local's own settings. Pure; never a guess. */
import { isObject, textAt } from "../../../kube/json.ts";
import { addressValue, type Family } from "../lease/address.ts";

/** Addresses that host-local can give out. A family without a number: it has one, and its size can't be told. */
export type Pools = ReadonlyMap<Family, number | undefined>;

interface Range {
  readonly family: Family;
  readonly size: number | undefined;
}

/**
 * Of the `ipam` of a host-local conf: `ranges` (lists of lists) and the old `subnet`, `rangeStart`, `rangeEnd`,
 * `gateway` beside it. `usePodCidr`, which Calico replaces at run time, has no size.
 */
export function poolsOf(ipam: unknown): Pools {
  const ranges: Range[] = [];
  const sets: readonly unknown[] = isObject(ipam) && Array.isArray(ipam["ranges"]) ? ipam["ranges"] : [];
  for (const each of [ipam, ...sets.flat()]) {
    const range = rangeOf(each);
    if (range !== undefined) ranges.push(range);
  }
  return addUp(ranges);
}

/** Of flannel's `/run/flannel/subnet.env`, which it hands to host-local. */
export function poolsOfSubnetEnv(text: string): Pools {
  const subnets = [...text.matchAll(/^FLANNEL_(?:IPV6_)?SUBNET=(\S+)$/gm)].map((match) => match[1]);
  return addUp(subnets.flatMap((subnet) => rangeOf({ subnet }) ?? []));
}

function addUp(ranges: readonly Range[]): Pools {
  const pools = new Map<Family, number | undefined>();
  for (const { family, size } of ranges) {
    const before = pools.has(family) ? pools.get(family) : 0;
    pools.set(family, before === undefined || size === undefined ? undefined : before + size);
  }
  return pools;
}

function rangeOf(value: unknown): Range | undefined {
  const subnet = textAt(value, "subnet");
  if (subnet === undefined) return undefined;
  if (subnet.toLowerCase() === "usepodcidr") return { family: "IPv4", size: undefined };
  const [base = "", prefix = ""] = subnet.split("/");
  const network = addressValue(base);
  if (network === undefined || !/^\d{1,3}$/.test(prefix)) return undefined;
  const { family } = network;
  const hostBits = (family === "IPv4" ? 32 : 128) - Number(prefix);
  // host-local refuses smaller ones: no room for a gateway and a pod.
  if (hostBits < 2) return { family, size: undefined };
  const span = 1n << BigInt(hostBits);
  const first = network.value - (network.value % span);
  const bound = (key: string, fallback: bigint): bigint => {
    const given = addressValue(textAt(value, key) ?? "");
    return given?.family === family ? given.value : fallback;
  };
  // As host-local fills them in: the first address is the gateway's, the last one is the broadcast's (IPv6 too).
  const start = bound("rangeStart", first + 1n);
  const end = bound("rangeEnd", first + span - 2n);
  const gateway = bound("gateway", first + 1n);
  const size = end - start + 1n - (gateway >= start && gateway <= end ? 1n : 0n);
  if (size < 0n) return { family, size: undefined };
  return { family, size: Number(size) };
}

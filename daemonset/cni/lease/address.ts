/** Addresses as host-local writes them into file names, which is how Go prints them. Pure. */
import { isIPv4, isIPv6 } from "node:net";

export type Family = "IPv4" | "IPv6";

/**
 * The family of an address in exactly the form in which Go's net.IP.String prints it, else undefined. Whatever else is
 * in a network directory (`lock`, `010.1.1.1`, `::FFFF:10.0.0.1`, `fe80::1%eth0`) is none of host-local's reservations.
 */
export function familyOfCanonical(text: string): Family | undefined {
  if (isIPv4(text)) return "IPv4";
  if (!isIPv6(text) || text.includes("%")) return undefined;
  // Go prints an IPv4-mapped address as the IPv4 address that it is.
  if (text.includes(".") || text.startsWith("::ffff:")) return undefined;
  // URL has RFC 5952's form, as Go has: lower case, no leading zeros, the first longest run of zeros cut.
  return new URL(`http://[${text}]`).hostname === `[${text}]` ? "IPv6" : undefined;
}

export interface AddressValue {
  readonly family: Family;
  readonly value: bigint;
}

/** Any form that Go's net.ParseIP takes, IPv4-mapped ones as IPv4; undefined for anything else. */
export function addressValue(text: string): AddressValue | undefined {
  if (isIPv4(text)) return { family: "IPv4", value: groupsValue(text.split(".").map(Number), 8n) };
  if (!isIPv6(text) || text.includes("%")) return undefined;
  const [head = "", tail] = new URL(`http://[${text}]`).hostname.slice(1, -1).split("::");
  const groups = (part: string): number[] =>
    part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
  const before = groups(head);
  const after = groups(tail ?? "");
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => 0);
  const value = groupsValue([...before, ...zeros, ...after], 16n);
  if (value >> 32n === 0xffffn) return { family: "IPv4", value: value & 0xffff_ffffn };
  return { family: "IPv6", value };
}

function groupsValue(groups: readonly number[], bits: bigint): bigint {
  return groups.reduce((value, group) => (value << bits) | BigInt(group), 0n);
}

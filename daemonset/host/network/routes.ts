/** Default routes as the kernel lists them, read without any program and without the API server. */
import { readText } from "../files/read-text.ts";

export interface DefaultRoute {
  readonly family: "IPv4" | "IPv6";
  readonly interface: string;
  /** The kernel prefers the lowest. */
  readonly metric: number;
}

/** RTF_UP and RTF_REJECT of linux/route.h: a route that is in use, and one that only says no. */
const UP = 0x0001;
const REJECT = 0x0200;

/** Default routes in the text of `/proc/net/route`; lines of another shape are left out. */
export function parseIPv4Routes(text: string): readonly DefaultRoute[] {
  return text.split("\n").flatMap((line) => {
    const [name, destination, , flags, , , metric, mask] = line.trim().split(/\s+/);
    if (destination !== "00000000" || mask !== "00000000") return [];
    return routeOf("IPv4", name, flags, Number(metric));
  });
}

/** Default routes in the text of `/proc/net/ipv6_route`; lines of another shape are left out. */
export function parseIPv6Routes(text: string): readonly DefaultRoute[] {
  return text.split("\n").flatMap((line) => {
    const [destination, length, , , , metric, , , flags, name] = line.trim().split(/\s+/);
    if (destination !== "0".repeat(32) || length !== "00") return [];
    return routeOf("IPv6", name, flags, Number.parseInt(metric ?? "", 16));
  });
}

function routeOf(
  family: DefaultRoute["family"],
  name: string | undefined,
  flagsHex: string | undefined,
  metric: number,
): readonly DefaultRoute[] {
  const flags = Number.parseInt(flagsHex ?? "", 16);
  // The kernel keeps a rejecting IPv6 default on lo where there is no real one.
  const usable = (flags & UP) !== 0 && (flags & REJECT) === 0;
  if (name === undefined || !usable || !Number.isFinite(metric)) return [];
  return [{ family, interface: name, metric }];
}

/**
 * The default routes of the network namespace this process is in. A file that is absent (a kernel without IPv6) has
 * none. Never rejects.
 */
export async function readDefaultRoutes(folder = "/proc/net"): Promise<readonly DefaultRoute[]> {
  const [ipv4, ipv6] = await Promise.all([readText(`${folder}/route`), readText(`${folder}/ipv6_route`)]);
  return [
    ...(ipv4.kind === "text" ? parseIPv4Routes(ipv4.text) : []),
    ...(ipv6.kind === "text" ? parseIPv6Routes(ipv6.text) : []),
  ];
}

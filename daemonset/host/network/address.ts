/** Which of a node's addresses is "the" address. Pure. It identifies nobody: that is the node's name. */
import type { LastAddress } from "../journal/host-record.ts";
import type { DefaultRoute } from "./routes.ts";

export interface InterfaceAddress {
  readonly interface: string;
  readonly address: string;
  readonly family: "IPv4" | "IPv6";
  /** Loopback. */
  readonly internal: boolean;
}

export interface NetworkView {
  readonly addresses: readonly InterfaceAddress[];
  readonly routes: readonly DefaultRoute[];
}

export type NodeAddress =
  | {
      readonly kind: "address";
      readonly address: string;
      readonly interface: string;
      readonly family: "IPv4" | "IPv6";
      readonly because: "default-route" | "as-before" | "first";
    }
  /** Interfaces are up, but nobody gave them an address: no DHCP answer, say. */
  | { readonly kind: "link-local-only"; readonly interfaces: readonly string[] }
  | { readonly kind: "none" };

/** Bridges, tunnels and pod ends that container networks put up: their addresses are not the node's. */
const CONTAINER_INTERFACE =
  /^(?:cni|docker|br-|veth|flannel|cali|tunl|vxlan|kube-|nodelocaldns|virbr|lxc|cilium|weave|edgemesh|dummy)/;

/**
 * The address of the best default route's interface (lowest metric; IPv4 before IPv6), else the one it had before if it
 * is still there, else the first that is not a container network's.
 */
export function chooseAddress(view: NetworkView, before: LastAddress | undefined): NodeAddress {
  const global = view.addresses.filter((each) => !each.internal && !isLinkLocal(each));
  const routes = view.routes.toSorted(
    (a, b) => Number(a.family === "IPv6") - Number(b.family === "IPv6") || a.metric - b.metric,
  );
  for (const route of routes) {
    const on = global.filter((each) => each.interface === route.interface && each.family === route.family);
    // Several on one interface: the one it had before, or every look might find another first.
    const found = on.find((each) => each.address === before?.address) ?? on[0];
    if (found !== undefined) return chosen(found, "default-route");
  }
  const again = global.find((each) => each.address === before?.address);
  if (again !== undefined) return chosen(again, "as-before");
  const own = global.filter((each) => !CONTAINER_INTERFACE.test(each.interface));
  const first = own.find((each) => each.family === "IPv4") ?? own[0];
  if (first !== undefined) return chosen(first, "first");
  const linkLocal = view.addresses.filter((each) => !each.internal && isLinkLocal(each));
  if (linkLocal.length === 0) return { kind: "none" };
  return { kind: "link-local-only", interfaces: [...new Set(linkLocal.map((each) => each.interface))] };
}

function chosen(
  { address, interface: name, family }: InterfaceAddress,
  because: "default-route" | "as-before" | "first",
): NodeAddress {
  return { kind: "address", address, interface: name, family, because };
}

/** 169.254.0.0/16 and fe80::/10. */
function isLinkLocal({ address, family }: InterfaceAddress): boolean {
  return family === "IPv4" ? address.startsWith("169.254.") : /^fe[89ab][0-9a-f]:/i.test(address);
}

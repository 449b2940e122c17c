import { writeFile } from "node:fs/promises";
import { controlPlaneAddress, lanPrefixLength, type MachineSpec } from "../config/addresses.ts";
import { run, runOrThrow } from "../process/run.ts";

const bridge = "lan0";
const timeout = { timeoutMillis: 10_000 };

/** Sets up the control plane's side: loopback, a bridge the machines are plugged into, and a route to each one's pods. */
export async function createLan(machines: readonly MachineSpec[]): Promise<void> {
  await ip("link", "set", "lo", "up");
  await ip("link", "add", bridge, "type", "bridge");
  await ip("address", "add", `${controlPlaneAddress}/${lanPrefixLength}`, "dev", bridge);
  await ip("link", "set", bridge, "up");
  // Routes pods of one machine to those of another.
  await writeFile("/proc/sys/net/ipv4/ip_forward", "1");
  for (const { podSubnet, address } of machines) await ip("route", "add", podSubnet, "via", address);
  // kube-proxy rewrites Service addresses on output, but only of packets that have a route at all.
  await ip("route", "add", "default", "dev", bridge);
}

/** Plugs a machine (by its process 1) into the bridge and gives it its address. */
export async function connectMachine(machine: MachineSpec, pid: number): Promise<void> {
  const port = portName(machine);
  // The kernel tears a dead machine's network down in its own time; the name must be free now.
  await run(["ip", "link", "delete", port], timeout);
  await ip("link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", String(pid));
  await ip("link", "set", port, "master", bridge, "up");
  const script = [
    "ip link set lo up",
    "ip link set eth0 up",
    `ip address add ${machine.address}/${lanPrefixLength} dev eth0`,
    `ip route add default via ${controlPlaneAddress}`,
    "echo 1 > /proc/sys/net/ipv4/ip_forward",
  ].join(" && ");
  await runOrThrow(["nsenter", `--target=${pid}`, "--mount", "--net", "--", "sh", "-c", script], timeout);
}

/** Device names have at most 15 characters; the address' last part is unique. */
function portName(machine: MachineSpec): string {
  return `port${machine.address.split(".").at(-1) ?? ""}`;
}

async function ip(...args: readonly string[]): Promise<void> {
  await runOrThrow(["ip", ...args], timeout);
}

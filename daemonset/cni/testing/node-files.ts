/** A node's files in a folder: networks with leases, caches, configuration. */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  lstatSync,
  readlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { cacheText } from "./cache-text.ts";

export const NETWORK = "k8s-pod-network";
export const NETWORK_PATH = `/var/lib/cni/networks/${NETWORK}`;

export class NodeFiles {
  readonly root = mkdtempSync(join(tmpdir(), "nodelatch-cni-"));

  close(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  path(hostPath: string): string {
    return join(this.root, hostPath);
  }

  write(hostPath: string, text: string): void {
    const path = this.path(hostPath);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }

  /** As host-local writes it. */
  lease(address: string, id: string, network = NETWORK, ifname = "eth0"): string {
    const hostPath = `/var/lib/cni/networks/${network}/${address}`;
    this.write(hostPath, `${id}\r\n${ifname}`);
    return hostPath;
  }

  /** As containerd leaves it. */
  cache(id: string, addresses: readonly string[] = [], network = NETWORK): string {
    const hostPath = `/var/lib/cni/results/${network}-${id}-eth0`;
    this.write(hostPath, cacheText({ id, network, addresses }));
    return hostPath;
  }

  conf(network = NETWORK, ipam: Readonly<Record<string, unknown>> = { subnet: "10.42.0.0/24" }): void {
    const plugins = [{ type: "bridge", ipam: { type: "host-local", ...ipam } }, { type: "portmap" }];
    this.write(`/etc/cni/net.d/10-${network}.conflist`, JSON.stringify({ name: network, plugins }));
  }

  /** Every file with its content, links with their target, directories with nothing. */
  snapshot(): ReadonlyMap<string, string> {
    const all = new Map<string, string>();
    for (const name of readdirSync(this.root, { recursive: true, encoding: "utf8" })) {
      const path = join(this.root, name);
      const stat = lstatSync(path);
      if (stat.isFile()) all.set(`/${name}`, readFileSync(path, "latin1"));
      else all.set(`/${name}`, stat.isSymbolicLink() ? `-> ${readlinkSync(path)}` : "special");
    }
    return all;
  }
}

/** A node's bridge network as host-local keeps it: one lease for each sandbox. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const NAME = "k8s-pod-network";

/** Below `folder`, which stands for the node's root. */
export function writeNetwork(folder: string, sandboxIDs: readonly string[]): void {
  const configuration = {
    cniVersion: "1.0.0",
    name: NAME,
    plugins: [
      {
        type: "bridge",
        bridge: "cni0",
        ipam: { type: "host-local", ranges: [[{ subnet: "10.244.0.0/23" }]] },
      },
    ],
  };
  const confDir = join(folder, "etc/cni/net.d");
  mkdirSync(confDir, { recursive: true });
  writeFileSync(join(confDir, "10-bench.conflist"), JSON.stringify(configuration));
  const leases = join(folder, "var/lib/cni/networks", NAME);
  mkdirSync(leases, { recursive: true });
  for (const [index, sandboxID] of sandboxIDs.entries()) {
    const number = index + 2;
    const address = `10.244.${Math.floor(number / 256)}.${number % 256}`;
    writeFileSync(join(leases, address), `${sandboxID}\r\neth0`);
  }
  writeFileSync(join(leases, "lock"), "");
}

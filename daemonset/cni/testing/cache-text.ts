/** A file of libcni's cache, as containerd leaves it. */
export function cacheText(of: {
  readonly id: string;
  readonly network: string;
  readonly addresses?: readonly string[];
  readonly isPod?: boolean;
  readonly dataDir?: string;
}): string {
  const { id, network, addresses = [], isPod = true, dataDir } = of;
  const ipam = { type: "host-local", ...(dataDir === undefined ? {} : { dataDir }), subnet: "10.42.0.0/24" };
  const config = JSON.stringify({ cniVersion: "1.0.0", name: network, plugins: [{ type: "bridge", ipam }] });
  const cniArgs = [
    ["K8S_POD_NAMESPACE", "default"],
    ["K8S_POD_NAME", "web"],
    ["K8S_POD_INFRA_CONTAINER_ID", id],
  ];
  return JSON.stringify({
    kind: "cniCacheV1",
    containerId: id,
    config: Buffer.from(config).toString("base64"),
    ifName: "eth0",
    networkName: network,
    ...(isPod ? { cniArgs } : {}),
    result: { cniVersion: "1.0.0", ips: addresses.map((address) => ({ address: `${address}/24` })) },
  });
}

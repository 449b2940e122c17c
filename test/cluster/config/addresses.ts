/** All addresses lie inside the cluster's own network namespace; none can meet one of the machine's. */
export const controlPlaneAddress = "172.30.0.1";
export const lanPrefixLength = 24;
export const apiPort = 6443;
export const serviceRange = "10.96.0.0/16";
/** The ClusterIP of the `kubernetes` Service: the first of the range. */
export const apiServiceAddress = "10.96.0.1";
/** Named in pods' resolv.conf; nothing listens there, as nothing in these tests needs cluster DNS. */
export const dnsServiceAddress = "10.96.0.10";
export const podRange = "10.244.0.0/16";
/** The API server as everything inside the cluster's namespace reaches it. */
export const apiInside = `https://${controlPlaneAddress}:${apiPort}`;

/** One machine of the cluster: a network, mount and pid namespace with its own containerd and kubelet. */
export interface MachineSpec {
  readonly name: string;
  readonly address: string;
  readonly podSubnet: string;
}

const maxMachines = 50;

/** Gives every named machine its address and pod subnet. */
export function layOutMachines(names: readonly string[]): readonly MachineSpec[] {
  if (names.length === 0 || names.length > maxMachines) {
    throw new Error(`nodes: expected 1 to ${maxMachines} names, got ${names.length}`);
  }
  return names.map((name, index) => ({
    name,
    address: `172.30.0.${11 + index}`,
    podSubnet: `10.244.${1 + index}.0/24`,
  }));
}

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

/** A file of the machine's that shows the content of another one, which need not exist in the machine before. */
export interface ShownFile {
  readonly path: string;
  /** A file outside of the machine, or one shown before. */
  readonly shows: string;
}

/** What a machine is asked for with. */
export interface MachineRequest {
  /** The node's name. */
  readonly name: string;
  /** Mounted in this order at each boot; their folders are /run, /etc, /var, /usr/lib/cni or exist. */
  readonly files?: readonly ShownFile[];
  /** Type of a CNI plugin of /usr/lib/cni that runs after all others. */
  readonly lastPlugin?: string;
}

/** One machine of the cluster: a network, mount and pid namespace with its own containerd and kubelet. */
export interface MachineSpec {
  readonly name: string;
  readonly files: readonly ShownFile[];
  readonly lastPlugin: string | null;
  readonly address: string;
  readonly podSubnet: string;
}

const maxMachines = 50;

/** Gives every machine its address and pod subnet. */
export function layOutMachines(requests: readonly MachineRequest[]): readonly MachineSpec[] {
  if (requests.length === 0 || requests.length > maxMachines) {
    throw new Error(`machines: expected 1 to ${maxMachines}, got ${requests.length}`);
  }
  return requests.map(({ name, files = [], lastPlugin = null }, index) => ({
    name,
    files,
    lastPlugin,
    address: `172.30.0.${11 + index}`,
    podSubnet: `10.244.${1 + index}.0/24`,
  }));
}

/** What may be done to CNI state, as data: the chart's values and the command line fill it in. */

/** on: decide and act. report: decide, touch nothing. off: do not act and do not tell. */
export type CniMode = "on" | "report" | "off";

export interface CniSettings {
  readonly leases: CniMode;
  readonly caches: CniMode;
  readonly sandboxRepair: CniMode;
  /** Leases that a power cut has emptied or cut short are leases as well. */
  readonly blankLeases: boolean;
  /** How long what no list ever showed must have been nobody's. Less than ten minutes counts as ten. */
  readonly graceMillis: number;
  readonly dataDirs: readonly string[];
  readonly confDirs: readonly string[];
  readonly networks: readonly string[];
}

/** k3s and MicroK8s keep their configuration apart (facts/cni-state.md 3, 7). */
export const DEFAULT_CONF_DIRS = [
  "/etc/cni/net.d",
  "/var/lib/rancher/k3s/agent/etc/cni/net.d",
  "/var/snap/microk8s/current/args/cni-network",
] as const;

export const DEFAULT_DATA_DIRS = ["/var/lib/cni/networks"] as const;

export const DEFAULT_CNI_SETTINGS: CniSettings = {
  leases: "on",
  caches: "on",
  sandboxRepair: "on",
  blankLeases: true,
  graceMillis: 600_000,
  dataDirs: DEFAULT_DATA_DIRS,
  confDirs: DEFAULT_CONF_DIRS,
  networks: [],
};

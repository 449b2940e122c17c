/** kured's flags, as far as the stand-in has them; the names are kured's. Times are the tests': kured's own are minutes. */
export interface KuredOptions {
  readonly node: string;
  readonly dsNamespace: string;
  /** Whose annotation is kured's own lock. */
  readonly dsName: string;
  /** From the start to the first look at its own lock: 30 to 90 s in kured. */
  readonly startMillis: number;
  readonly periodMillis: number;
  readonly rebootDelayMillis: number;
  /** 0: never gives up, as by default. */
  readonly drainTimeoutMillis: number;
  readonly forceReboot: boolean;
  readonly annotateNodes: boolean;
  readonly preRebootNodeLabels: Readonly<Record<string, string>>;
  readonly postRebootNodeLabels: Readonly<Record<string, string>>;
  /** How many nodes at once. */
  readonly concurrency: number;
  /** Split into words as a shell does, but run without one. */
  readonly rebootCommand: string;
}

export const KURED_USER = "system:serviceaccount:kube-system:kured";
export const KURED_NAMESPACE = "kube-system";

/** The line that docs/gate.md recommends, but for the way to reboot. */
export function gatedCommand(verify: string, reboot: string): string {
  return `/bin/sh -c '${verify} --holder ${KURED_USER} && ${reboot}'`;
}

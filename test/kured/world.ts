/** Where kured's scenarios run: nodes without a machine behind them, on the embedded API server or on a real one. */
import type { Send } from "./requests.ts";

export interface KuredWorld {
  /** As an administrator who may impersonate anybody. */
  readonly send: Send;
  /** kured's DaemonSet, with a pod on each node that has the label below; only its annotation matters here. */
  readonly createDaemonSet: (name: string) => Promise<void>;
  readonly deleteDaemonSet: (name: string) => Promise<void>;
  /** What kured's pod on that node sends with. `bound: false`: by a token that is not bound to the pod. */
  readonly podSend: (daemonSet: string, node: string, bound: boolean) => Promise<Send>;
}

/** Its value on a node is the name of the DaemonSet whose pod runs there. */
export const KURED_LABEL = "kured-stand-in";

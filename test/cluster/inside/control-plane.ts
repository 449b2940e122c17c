import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { apiInside } from "../config/addresses.ts";
import {
  apiServerArgv,
  controllerManagerArgv,
  etcdArgv,
  kubeProxyArgv,
  schedulerArgv,
} from "../config/control-plane.ts";
import { workPaths } from "../config/paths.ts";
import type { ClusterPlan } from "../config/plan.ts";
import { type Component, createComponent } from "../process/component.ts";
import type { Argv } from "../process/run.ts";
import { waitFor } from "../process/wait-for.ts";
import { httpsStatus } from "./https-get.ts";

export interface ControlPlane {
  readonly components: readonly Component[];
  /** Starts everything; returns when the API server says it is ready. */
  start(): Promise<void>;
  /** Waits until the API server's /readyz is 200. */
  apiReady(): Promise<void>;
}

const restartAfterMillis = 1_000;
const apiReadyDeadlineMillis = 120_000;

export function createControlPlane(plan: ClusterPlan): ControlPlane {
  const paths = workPaths(plan.workFolder);
  const { programs } = plan;
  const component = (name: string, argv: Argv): Component =>
    createComponent({ name, argv, logFile: join(paths.logs, `${name}.log`), restartAfterMillis });
  const first = plan.machines[0]?.name ?? "";
  const etcd = component("etcd", etcdArgv(programs.etcd, paths));
  const apiServer = component("kube-apiserver", apiServerArgv(programs.apiServer, paths));
  const others = [
    component("kube-controller-manager", controllerManagerArgv(programs.controllerManager, paths)),
    component("kube-scheduler", schedulerArgv(programs.scheduler, paths)),
    // It needs some Node's name to read its addresses from; the control plane itself is no Node.
    component("kube-proxy", kubeProxyArgv(programs.kubeProxy, paths, first)),
  ];

  async function apiReady(): Promise<void> {
    const ca = await readFile(join(paths.pki, "ca.crt"), "utf8");
    await waitFor(
      "the API server",
      async () => {
        const status = await httpsStatus(`${apiInside}/readyz`, { ca, timeoutMillis: 5_000 });
        return status === 200 ? { done: true, value: undefined } : { done: false, seen: `status ${status}` };
      },
      { deadlineMillis: apiReadyDeadlineMillis, intervalMillis: 100 },
    );
  }

  async function start(): Promise<void> {
    etcd.start();
    apiServer.start();
    await apiReady();
    for (const other of others) other.start();
  }

  return { components: [etcd, apiServer, ...others], start, apiReady };
}

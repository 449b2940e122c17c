import { join } from "node:path";

/** Where a cluster keeps things under its work folder. Sockets must stay below 108 characters in all. */
export interface WorkPaths {
  readonly root: string;
  readonly pki: string;
  readonly logs: string;
  /** Configurations and kubeconfigs of the cluster's own components. */
  readonly config: string;
  /** Kubeconfigs made for tests; they reach the API server from outside the namespace. */
  readonly users: string;
  /** A tmpfs, visible inside the cluster's mount namespace only: everything big or hot dies with it. */
  readonly state: string;
  readonly plan: string;
  readonly info: string;
  readonly controlSocket: string;
}

/** Every cluster's work folder lies in the temporary folder under a name that starts so. */
export const workFolderPrefix = "nodelatch-cluster-";

export function workPaths(root: string): WorkPaths {
  return {
    root,
    pki: join(root, "pki"),
    logs: join(root, "logs"),
    config: join(root, "config"),
    users: join(root, "users"),
    state: join(root, "state"),
    plan: join(root, "plan.json"),
    info: join(root, "cluster.json"),
    controlSocket: join(root, "control.sock"),
  };
}

/** Where the node's own processes and mounts are seen from wherever the agent runs. */
import { networkInterfaces } from "node:os";
import type { Time } from "../../host/time.ts";
import { makeEnterNamespace } from "./enter-namespace.ts";
import type { NamespacesWorld } from "./live-namespaces.ts";

export function nodeNamespaces(hostRoot: string, time: Time): NamespacesWorld {
  const procfs = "/proc";
  return {
    procfs,
    mountInfo: mountInfoOf(hostRoot),
    interfaces: networkInterfaces,
    enter: makeEnterNamespace({ hostRoot, time }),
  };
}

/** Of a process that has the node's root for its own: `/proc/1/root` is process 1's. */
export function mountInfoOf(hostRoot: string): string {
  if (hostRoot === "/" || hostRoot === "") return "/proc/self/mountinfo";
  const pid = /^\/proc\/(\d+)\/root\/?$/.exec(hostRoot)?.[1] ?? "1";
  return `/proc/${pid}/mountinfo`;
}

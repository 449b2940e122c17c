/** Whether a runtime's lists hold a sandbox for as long as its CNI ADD runs. Pure. */
import type { OwnServices } from "./own-services.ts";

type Services = Pick<OwnServices, "hasContainers" | "hasSandboxStore">;

/**
 * containerd from 1.6.9 on makes the sandbox's container before its network, 2.0 and later its entry in the sandbox
 * store; up to 1.6.8 nothing is listed until ADD is over (facts/cni-state.md 4). What is not known to be so counts as
 * not: then an id that was never listed has to wait.
 */
export function showsStarting(name: string, version: string, services: Services | undefined): boolean {
  const found = /^v?(\d{1,4})\.(\d{1,4})\.(\d{1,4})/.exec(version);
  if (name !== "containerd" || services === undefined || found === null) return false;
  const [major = 0, minor = 0, patch = 0] = found.slice(1).map(Number);
  if (major >= 2) return services.hasContainers && services.hasSandboxStore;
  const isMadeFirst = minor > 6 || (minor === 6 && patch >= 9);
  return major === 1 && isMadeFirst && services.hasContainers;
}

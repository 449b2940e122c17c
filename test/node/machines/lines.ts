/** The machines of test:node: one for each line of containerd, under one control plane. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { MachineRequest } from "../../cluster/config/addresses.ts";
import {
  containerdBinaries,
  containerdLines,
  type ContainerdLine,
} from "../../cluster/programs/containerd-lines.ts";

export interface NamedLine {
  /** Of the node. */
  readonly name: string;
  readonly line: ContainerdLine;
}

export const machineLines: readonly NamedLine[] = containerdLines.map((line) => ({
  name: `node-${line.replace(".", "-")}`,
  line,
}));

/** Pods whose containers' creation hangs in runc; see slow-runc.sh. */
export const heldPodsFile = "/run/nodelatch-test/held-pods";
/** How the last CNI plugin behaves, and what it was called with; see control-cni.ts. */
export const cniControlFile = "/run/nodelatch-test/cni";
export const cniLogFile = "/var/log/nodelatch-test-cni.log";

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** A machine that has a line's containerd where Debian installs it, a runc that can hang and a CNI plugin that can. */
export async function machineRequest({ name, line }: NamedLine): Promise<MachineRequest> {
  const { folder } = await containerdBinaries(line);
  const programs = ["containerd", "containerd-shim-runc-v2", "ctr"];
  return {
    name,
    files: [
      ...programs.map((program) => ({ path: `/usr/bin/${program}`, shows: join(folder, program) })),
      { path: "/run/nodelatch-test/runc", shows: "/usr/sbin/runc" },
      { path: "/usr/sbin/runc", shows: here("slow-runc.sh") },
      { path: "/run/nodelatch-test/node", shows: process.execPath },
      { path: "/usr/lib/cni/control-cni", shows: here("control-cni.sh") },
      { path: "/run/nodelatch-test/control-cni.mts", shows: here("control-cni.ts") },
    ],
    lastPlugin: "control-cni",
  };
}

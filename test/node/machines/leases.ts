/** Leases of pod addresses on a machine's disk. */
import type { Machine } from "./machine.ts";

const NETWORK = "/var/lib/cni/networks/k8s-pod-network";

/** Address to sandbox id; an empty file to the empty text. A lease that goes before it is read is none any more. */
export async function leasesOf(machine: Machine): Promise<ReadonlyMap<string, string>> {
  const list =
    'cd "$0" && for a in [0-9]*; do id=$(head -c 64 "$a" 2> /dev/null) || continue; printf "%s %s\\n" "$a" "$id"; done';
  const lines = (await machine.shell(list, NETWORK)).split("\n").filter((line) => line !== "");
  return new Map(lines.map((line) => [line.split(" ")[0] ?? "", line.split(" ")[1] ?? ""]));
}

/** What a power cut does to a file that was never written through. */
export async function emptyLeases(machine: Machine, addresses: readonly string[]): Promise<void> {
  await machine.shell('cd "$0" && for a in "$@"; do : > "$a"; done', NETWORK, ...addresses);
}

/** What containerd itself has of kubelet's, containers and sandboxes. */
export async function knownIDs(machine: Machine): Promise<ReadonlySet<string>> {
  const lines = (await machine.shell("ctr -n k8s.io containers ls -q")).trim().split("\n");
  return new Set(lines);
}

/** Ids whose processes run: what kubelet has not ended. */
export async function runningIDs(machine: Machine): Promise<ReadonlySet<string>> {
  const list = "ctr -n k8s.io tasks ls | awk '$3 == \"RUNNING\" { print $1 }'";
  return new Set((await machine.shell(list)).trim().split("\n"));
}

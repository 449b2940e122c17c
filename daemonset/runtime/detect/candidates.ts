/** Which sockets to try, and what each would be. Pure. */
import { knownSockets } from "./endpoint.ts";
import type { KubeletFinding } from "./kubelet-endpoint.ts";

/**
 * Whether a runtime is the one that kubelet uses. `configured`: kubelet's files name this one and no other; `other`:
 * they name another; `unknown`: they name none, or contradict each other.
 */
export type KubeletUse = "configured" | "other" | "unknown";

export interface Candidate {
  /** Absolute path, as the host calls it. */
  readonly hostPath: string;
  /** `known`: tried because nobody said anything; nothing is wrong if it is not there. */
  readonly source: "setting" | "kubelet" | "known";
  readonly kubelets: KubeletUse;
  /** The file that names it as kubelet's. */
  readonly file: string | undefined;
}

/** Settings win; without them kubelet's files; without these every socket that is known. */
export function chooseCandidates(explicit: readonly string[], finding: KubeletFinding): readonly Candidate[] {
  const sources: readonly (readonly [Candidate["source"], readonly string[]])[] = [
    ["setting", explicit],
    ["kubelet", finding.found.map((one) => one.hostPath)],
    ["known", knownSockets],
  ];
  const [source, paths] = sources.find(([, candidates]) => candidates.length > 0) ?? ["known", knownSockets];
  const byPath = new Map(paths.map((hostPath) => [canonical(hostPath), hostPath]));
  return [...byPath.values()].map((hostPath) => {
    const named = finding.found.find((one) => canonical(one.hostPath) === canonical(hostPath));
    return { hostPath, source, kubelets: kubeletUse(finding, named !== undefined), file: named?.file };
  });
}

function kubeletUse(finding: KubeletFinding, isNamed: boolean): KubeletUse {
  if (finding.found.length !== 1) return "unknown";
  return isNamed ? "configured" : "other";
}

/** /var/run has been a link to /run for as long as these sockets have existed. */
function canonical(hostPath: string): string {
  return hostPath.replace(/^\/var\/run\//, "/run/");
}

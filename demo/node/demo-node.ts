/** A node as the story needs it: simulated in a scratch folder, or with a real containerd and real CNI plugins. */
import type { CriDriver, TestPod } from "../../daemonset/runtime/testing/cri-driver.ts";

export interface AgentAnswer {
  readonly code: number;
  readonly text: string;
}

export type AgentCommand = "boot" | "scan" | "clean";

export interface DemoNode {
  /** What of it is real, in a sentence. */
  readonly about: string;
  /** What kubelet does to the runtime. */
  readonly driver: CriDriver;
  /** A sandbox with an address; gives its id. */
  runPod(pod: TestPod, attempt: number): Promise<string>;
  /** Its address goes back. */
  stopPod(sandboxID: string): Promise<void>;
  /** Sandboxes that have ended and are still listed. */
  endedSandboxes(): Promise<readonly { readonly id: string; readonly pod: string }[]>;
  /**
   * Begins to make these pods, calls `midway` while the network plugin is at it, then cuts the power. Resolves after the
   * boot: the runtime is up again, nothing runs but the agent's own pod.
   */
  cutWhileStarting(pods: readonly TestPod[], midway: () => Promise<void>): Promise<void>;
  /** Address to sandbox, of all leases. */
  leases(): ReadonlyMap<string, string>;
  /** The agent's program. */
  agent(command: AgentCommand): Promise<AgentAnswer>;
  close(): Promise<void>;
}

/** What probes and metrics may know of the agent: its parts, asked when somebody looks. */
import type { CniEnd } from "./cni/worker.ts";
import type { StandingFinding } from "./containers/finding.ts";
import type { OwnPod } from "./containers/settings.ts";
import type { GateState } from "./gate/server.ts";
import type { JournalState } from "./host/journal/journal.ts";
import type { NetworkState } from "./host/network/watch.ts";
import type { ShutdownState } from "./host/shutdown/guard.ts";
import type { PassEnd } from "./passes.ts";
import type { PublisherState } from "./publisher.ts";
import type { ReleaseState } from "./release/release.ts";
import type { CurrentRuntime } from "./runtime/detect/watch.ts";
import type { EndpointReport } from "./runtime/detect/describe.ts";

export interface AgentView {
  /** In words; `problem` if it can't be told which boot this is. */
  readonly boot: () => { readonly words: string; readonly problem: boolean; readonly complete: boolean };
  readonly own: OwnPod;
  readonly runtimes: () => readonly CurrentRuntime[];
  readonly endpoints: () => readonly EndpointReport[];
  readonly complaints: () => readonly string[];
  readonly lastPass: () => PassEnd | undefined;
  /** Of the last pass over CNI state; undefined before the first. */
  readonly lastCniPass: () => CniEnd | undefined;
  readonly findings: () => readonly StandingFinding<string>[];
  /** Undefined where the pass before a shutdown is switched off. */
  readonly shutdown: () => ShutdownState | undefined;
  readonly journal: () => JournalState;
  readonly network: () => NetworkState;
  /** Undefined where the API is switched off. */
  readonly api: () => PublisherState | undefined;
  /** Undefined where the API is switched off. */
  readonly gate: () => GateState | undefined;
  /** Undefined where the API is switched off. */
  readonly release: () => ReleaseState | undefined;
  /** How many reboot locks this agent has ended. */
  readonly locksReleased: () => number;
  /** By how much the loop of passes is late, in milliseconds; 0 if it is in time. */
  readonly lateMillis: () => number;
}

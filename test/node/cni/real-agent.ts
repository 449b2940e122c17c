/** The agent's real parts on a node with real plugins; only time may be moved on. */
import { uptime } from "node:os";
import { join } from "node:path";
import { realFileSystem, type FileSystem } from "../../../daemonset/cni/apply/file-system.ts";
import { makeRemoval, type Removal } from "../../../daemonset/cni/apply/removal.ts";
import type { Liveness, ProveLiveness } from "../../../daemonset/cni/liveness/liveness.ts";
import { nodeNamespaces } from "../../../daemonset/cni/liveness/node-namespaces.ts";
import { makeProveLiveness } from "../../../daemonset/cni/liveness/prove.ts";
import { Memory } from "../../../daemonset/cni/memory/memory.ts";
import { makeMemoryStore } from "../../../daemonset/cni/memory/store.ts";
import { runCniPass } from "../../../daemonset/cni/pass/pass.ts";
import type { CniReport } from "../../../daemonset/cni/report/report.ts";
import { DEFAULT_CNI_SETTINGS, type CniSettings } from "../../../daemonset/cni/settings.ts";
import type { OwnPod } from "../../../daemonset/containers/settings.ts";
import { realTime, type Time } from "../../../daemonset/host/time.ts";
import type { CurrentRuntime } from "../../../daemonset/runtime/detect/watch.ts";
import type { CniNode } from "./cni-node.ts";

export const never = new AbortController().signal;
/** And a little: what the agent remembers of times is rounded. */
const TEN_MINUTES = 601_000;

/** The agent gives a look into a namespace up after two seconds, for which a busy machine may hold up any process. */
const patientTime: Time = { ...realTime, monotonicMillis: () => performance.now() / 10 };

export interface AgentOptions {
  readonly own?: OwnPod;
  readonly settings?: Partial<CniSettings>;
  readonly files?: FileSystem;
  /** Besides the node's containerd. */
  readonly more?: readonly CurrentRuntime[];
}

/** One life of the agent's process: what it did not write down is lost with it. */
export class RealAgent {
  readonly prove: ProveLiveness;
  readonly removal: Removal;
  /** How long each lock was held. */
  readonly heldMillis: number[] = [];
  readonly #node: CniNode;
  readonly #settings: CniSettings;
  readonly #stops = new Map<string, number>();
  #skippedMillis = 0;
  #memory: Memory | undefined;

  constructor(node: CniNode, { own, settings = {}, files = realFileSystem, more = [] }: AgentOptions = {}) {
    this.#node = node;
    this.#settings = { ...DEFAULT_CNI_SETTINGS, confDirs: [node.confDir], ...settings };
    const { runtime } = node;
    const current: CurrentRuntime = {
      runtime,
      hostPath: "/run/containerd/containerd.sock",
      name: "containerd",
      version: "",
      answers: true,
      kubelets: "configured",
      connection: runtime.connection,
    };
    this.prove = makeProveLiveness({
      watch: { current: () => [current, ...more], describe: () => [] },
      own: own ?? { kind: "pod", uid: node.agentPod.uid },
      hostRoot: node.root,
      // The processes of the node alone: in CI, root may not be allowed to look at all of the machine's.
      namespaces: { ...nodeNamespaces(node.root, patientTime), procfs: node.at("/proc") },
      timeoutMillis: 60_000,
    });
    this.removal = makeRemoval({
      hostRoot: node.root,
      // Beside the networks, as on a node.
      quarantine: node.at("/var/lib/nodelatch/quarantine"),
      keeping: { seconds: 14 * 86_400, bytes: 64 * 1024 * 1024 },
      prove: this.prove,
      clock: {
        uptimeSeconds: uptime,
        bootID: () => node.bootID,
        wallMillis: () => Date.now(),
        monotonicMillis: () => performance.now(),
      },
      onHeld: (millis) => this.heldMillis.push(millis),
      files,
    });
  }

  /** What is orphaned now is so for ten minutes more at the next look. */
  skipTenMinutes(): void {
    this.#skippedMillis += TEN_MINUTES;
  }

  async pass(signal = never): Promise<CniReport> {
    const path = join(this.#node.at("/var/lib/nodelatch"), "leases.json");
    const store = makeMemoryStore({ path, readOnly: false });
    if (this.#memory === undefined) {
      const loaded = await store.load();
      this.#memory = new Memory(loaded.kind === "read" ? loaded.record : undefined, this.#node.bootID);
    }
    return runCniPass(
      {
        hostRoot: this.#node.root,
        settings: this.#settings,
        memory: this.#memory,
        store,
        stops: this.#stops,
      },
      {
        prove: this.prove,
        apply: this.removal.apply,
        quarantine: this.removal.quarantine,
        stopSandbox: async (id, until) => this.#node.runtime.stopSandbox(id, until),
        repairObstacle: () => undefined,
        monotonicMillis: () => performance.now() + this.#skippedMillis,
        wallMillis: () => Date.now(),
        log: { info: () => {}, warn: () => {} },
      },
      signal,
    );
  }

  /** Two looks with ten minutes between them: what is nobody's goes with the second. */
  async settledPass(): Promise<CniReport> {
    await this.pass();
    this.skipTenMinutes();
    return this.pass();
  }

  /** @throws Error with the reason if nothing is proven */
  async proven(): Promise<Extract<Liveness, { readonly kind: "proven" }>> {
    const liveness = await this.prove(never);
    if (liveness.kind === "proven") return liveness;
    throw new Error(liveness.reason);
  }
}

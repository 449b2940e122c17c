/** A node to which things happen: crashes, power cuts, clock steps, slow starts, lost files, refused calls. */
import { RuntimeError, type PodLabels } from "../../runtime/runtime.ts";
import { syncContainer, type SyncResult } from "./fake-kubelet.ts";
import { FakeRuntime, NameReservedError, type Call, type FakeContainer } from "./fake-runtime.ts";
import { HOUR_NANOS, PassKit, WALL_NANOS } from "./pass-kit.ts";
import type { SeededRandom } from "./random.ts";

const PODS: readonly PodLabels[] = ["agent", "web", "db", "job"].map((uid) => ({
  uid,
  namespace: "default",
  name: uid,
}));
/** A start takes at least as long as so many calls of the agent: 50 ms against a few milliseconds each. */
const CALLS_OF_A_START = 16;

export class RandomNode {
  readonly runtime = new FakeRuntime(WALL_NANOS);
  readonly kit = new PassKit();
  /** What a remove was sent for that must never be. */
  readonly violations: string[] = [];
  /** Whether calls fail at random. */
  faults = true;
  readonly #random: SeededRandom;
  readonly #startedAtCall = new Map<FakeContainer, number>();
  readonly #logged = new Map<string, number>();

  constructor(random: SeededRandom) {
    this.#random = random;
    this.runtime.before = (call) => this.#during(call);
    this.kit.onSleep = () => this.#progress();
  }

  readonly hasTask = async (id: string): Promise<boolean> => {
    const container = this.runtime.containers.get(id);
    return container !== undefined && (container.starting || container.state === "running");
  };

  /** Anything that may happen between two passes. */
  step(): void {
    const random = this.#random;
    const container = random.pick([...this.runtime.containers.values()]);
    switch (random.below(10)) {
      case 0:
        this.runtime.reboot();
        this.#startedAtCall.clear();
        break;
      case 1: // a clock step, either way
        this.runtime.nowNanos += BigInt(random.below(7) - 3) * HOUR_NANOS;
        break;
      case 2: // the sandbox dies
        if (container !== undefined) this.#setSandbox(container, "not-ready");
        break;
      case 3: // an empty status file
        if (container !== undefined && container.state !== "running") {
          container.state = "unknown";
          container.dateLost = true;
        }
        break;
      case 4: // a state from a later version
        if (container !== undefined && random.chance(0.2)) container.state = "unrecognized";
        break;
      case 5: // the runtime lost a sandbox
        if (container !== undefined && random.chance(0.3)) this.runtime.sandboxes.delete(container.sandboxID);
        break;
      case 6: // it ends
        if (container?.state === "running") container.state = "exited";
        break;
      case 7: // created, and kubelet died before the start
        this.#createOnly();
        break;
      default:
        for (const pod of PODS) if (random.chance(0.7)) this.sync(pod);
    }
    this.runtime.nowNanos += 1_000_000_000n;
    this.kit.nowMillis += random.below(12_000);
  }

  sync(pod: PodLabels): SyncResult {
    const result = syncContainer(this.runtime, pod, "app", this.#logged.get(pod.uid) ?? -1);
    if (result.kind === "started") this.#logged.set(pod.uid, result.attempt);
    return result;
  }

  syncAll(): readonly SyncResult[] {
    return PODS.map((pod) => this.sync(pod));
  }

  /** Whatever was on its way comes to its end. */
  settle(): void {
    this.faults = false;
    for (const container of this.#startedAtCall.keys())
      if (container.starting) this.runtime.endStart(container);
    this.#startedAtCall.clear();
    for (const container of this.runtime.containers.values()) {
      if (container.state === "unrecognized") container.state = "exited";
    }
  }

  #createOnly(): void {
    const ready = [...this.runtime.sandboxes].filter(([, { state }]) => state === "ready");
    const [sandboxID, sandbox] = this.#random.pick(ready) ?? [];
    if (sandboxID === undefined || sandbox === undefined) return;
    const attempts = [...this.runtime.containers.values()]
      .filter(({ pod }) => pod?.uid === sandbox.pod.uid)
      .map(({ attempt }) => attempt);
    try {
      const container = this.runtime.create(
        sandboxID,
        "app",
        Math.max(-1, ...attempts) + this.#random.below(2),
      );
      if (this.#random.chance(0.2)) Object.assign(container, { pod: undefined });
    } catch (thrown) {
      if (!(thrown instanceof NameReservedError)) throw thrown;
    }
  }

  #setSandbox(container: FakeContainer, state: "not-ready"): void {
    const sandbox = this.runtime.sandboxes.get(container.sandboxID);
    if (sandbox !== undefined) sandbox.state = state;
  }

  /** What happens while a pass is at work. */
  #during(call: Call): void {
    if (call.method === "removeContainer") this.#watch(call.id);
    this.#progress();
    if (!this.faults) return;
    if (this.#random.chance(0.05)) throw new RuntimeError(this.#random.chance(0.5) ? "busy" : "other", "no");
    const startable = [...this.runtime.containers.values()].filter(
      ({ state, starting, sandboxID }) =>
        state === "created" && !starting && this.runtime.sandboxes.get(sandboxID)?.state === "ready",
    );
    const container = this.#random.chance(0.2) ? this.#random.pick(startable) : undefined;
    if (container === undefined) return;
    this.runtime.beginStart(container);
    this.#startedAtCall.set(container, this.runtime.calls.length);
  }

  #progress(): void {
    for (const [container, call] of this.#startedAtCall) {
      if (this.runtime.calls.length - call < CALLS_OF_A_START) continue;
      if (container.starting && this.runtime.containers.has(container.id)) this.runtime.endStart(container);
      this.#startedAtCall.delete(container);
    }
  }

  #watch(id: string): void {
    const container = this.runtime.containers.get(id);
    if (container === undefined) return;
    const { pod, state, attempt } = container;
    const higher = [...this.runtime.containers.values()].some(
      (other) => other.pod?.uid === pod?.uid && other.attempt > attempt,
    );
    if (state === "running") this.violations.push("a running container");
    if (state === "unrecognized") this.violations.push("a state unheard of");
    if (state === "exited" && !higher) this.violations.push("the newest attempt, ended");
    if (pod === undefined) this.violations.push("a container without labels");
    if (pod?.uid === "agent") this.violations.push("the agent's own");
  }
}

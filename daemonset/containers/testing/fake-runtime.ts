/**
 * A runtime in memory that behaves as containerd was seen to (facts/containers.md 1): names stay reserved until
 * removal, a remove of what is not there is OK, a start that has begun makes a remove fail, and **a remove of a running
 * container kills it**.
 */
import {
  RuntimeError,
  type ContainerReading,
  type ContainerRuntime,
  type ContainerState,
  type ContainerSummary,
  type PodLabels,
  type RemoveResult,
  type SandboxState,
  type SandboxSummary,
  type StopResult,
} from "../../runtime/runtime.ts";

export type Method = "listContainers" | "listSandboxes" | "containerState" | "removeContainer";

export interface Call {
  readonly method: Method;
  /** Of a container; "" for the lists. */
  readonly id: string;
}

export interface FakeContainer {
  readonly id: string;
  readonly sandboxID: string;
  readonly pod: PodLabels | undefined;
  readonly name: string;
  attempt: number;
  state: ContainerState;
  createdAtNanos: bigint;
  /** The list says 0, the status call knows: an empty status file. */
  dateLost: boolean;
  /** Between the begin of a start and its end, shown as created. */
  starting: boolean;
  /** A create that hangs: the name is taken, no call shows it. */
  inFlight: boolean;
}

export class NameReservedError extends Error {}

export class FakeRuntime implements ContainerRuntime {
  readonly #label: string;
  readonly calls: Call[] = [];
  /** Running containers that a remove has killed. */
  readonly killed: string[] = [];
  readonly removed: string[] = [];
  /** Sandboxes that were asked to stop, in order. */
  readonly stopped: string[] = [];
  readonly containers = new Map<string, FakeContainer>();
  readonly sandboxes = new Map<string, { pod: PodLabels; attempt: number; state: SandboxState }>();
  /** Runs before a call does its work; may change the runtime, wait, or throw what the call then rejects with. */
  before: (call: Call, signal: AbortSignal) => void | Promise<void> = () => {};
  nowNanos: bigint;
  /** What it says of itself; it kills all the same. */
  refusesRunning = false;
  #made = 0;

  constructor(nowNanos: bigint, label = "fake at /run/fake.sock") {
    this.#label = label;
    this.nowNanos = nowNanos;
  }

  get label(): string {
    return this.#label;
  }

  #nextID(): string {
    this.#made += 1;
    return this.#made.toString(16).padStart(12, "0").padEnd(64, "0");
  }

  runSandbox(pod: PodLabels, attempt = 0): string {
    const id = this.#nextID();
    this.sandboxes.set(id, { pod, attempt, state: "ready" });
    return id;
  }

  /** @throws NameReservedError with containerd's words */
  create(sandboxID: string, name: string, attempt: number, part: Partial<FakeContainer> = {}): FakeContainer {
    const sandbox = this.sandboxes.get(sandboxID);
    if (sandbox?.state !== "ready")
      throw new Error("failed to get sandbox container task: no running task found");
    const { pod } = sandbox;
    const holder = [...this.containers.values()].find(
      (other) => other.pod?.uid === pod.uid && other.name === name && other.attempt === attempt,
    );
    if (holder !== undefined) {
      const full = `${name}_${pod.name}_${pod.namespace}_${pod.uid}_${attempt}`;
      throw new NameReservedError(
        `failed to reserve container name "${full}": name "${full}" is reserved for "${holder.id}"`,
      );
    }
    const container: FakeContainer = {
      id: this.#nextID(),
      sandboxID,
      pod,
      name,
      attempt,
      state: "created",
      createdAtNanos: this.nowNanos,
      dateLost: false,
      starting: false,
      inFlight: false,
      ...part,
    };
    this.containers.set(container.id, container);
    return container;
  }

  beginStart(container: FakeContainer): void {
    if (this.containers.get(container.id) !== container || container.state !== "created") {
      throw new Error(`an error occurred when try to find container "${container.id}": not found`);
    }
    if (this.sandboxes.get(container.sandboxID)?.state !== "ready") {
      container.state = "exited";
      throw new Error(`sandbox container "${container.sandboxID}" is not running`);
    }
    container.starting = true;
  }

  endStart(container: FakeContainer): void {
    container.starting = false;
    container.state = "running";
  }

  /** What a power cut and the next start leave: nothing runs, sandboxes are dead, the rest is as it was. */
  reboot(): void {
    for (const sandbox of this.sandboxes.values()) sandbox.state = "not-ready";
    for (const [id, container] of this.containers) {
      container.starting = false;
      if (container.inFlight) this.containers.delete(id);
      else if (container.state === "running") container.state = "exited";
    }
  }

  async #enter(method: Method, id: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const call = { method, id };
    this.calls.push(call);
    await this.before(call, signal);
  }

  async listContainers(signal: AbortSignal): Promise<readonly ContainerSummary[]> {
    await this.#enter("listContainers", "", signal);
    return [...this.containers.values()]
      .filter(({ inFlight }) => !inFlight)
      .map((container) => ({
        ...readingOf(container),
        sandboxID: container.sandboxID,
        createdAtNanos: container.dateLost ? 0n : container.createdAtNanos,
      }));
  }

  async listSandboxes(signal: AbortSignal): Promise<readonly SandboxSummary[]> {
    await this.#enter("listSandboxes", "", signal);
    return [...this.sandboxes].map(([id, sandbox]) => ({ id, ...sandbox, createdAtNanos: 1n }));
  }

  async containerState(id: string, signal: AbortSignal): Promise<ContainerReading | undefined> {
    await this.#enter("containerState", id, signal);
    const container = this.containers.get(id);
    return container === undefined || container.inFlight ? undefined : readingOf(container);
  }

  async removeContainer(id: string, signal: AbortSignal): Promise<RemoveResult> {
    try {
      await this.#enter("removeContainer", id, signal);
    } catch (thrown) {
      if (!(thrown instanceof RuntimeError)) throw thrown;
      return thrown.kind === "busy"
        ? { kind: "busy", message: thrown.message }
        : { kind: "failed", message: thrown.message, cause: thrown };
    }
    const container = this.containers.get(id);
    if (container === undefined || container.inFlight) return { kind: "removed" };
    if (container.starting) {
      return { kind: "busy", message: `container "${id}" is in starting state, can't be removed` };
    }
    if (container.state === "running") this.killed.push(id);
    this.containers.delete(id);
    this.removed.push(id);
    return { kind: "removed" };
  }

  async stopSandbox(id: string): Promise<StopResult> {
    const sandbox = this.sandboxes.get(id);
    if (sandbox !== undefined) sandbox.state = "not-ready";
    this.stopped.push(id);
    return { kind: "stopped" };
  }

  version(): Promise<never> {
    return Promise.reject(new RuntimeError("unimplemented", "a pass asks for no version"));
  }

  conditions(): Promise<never> {
    return Promise.reject(new RuntimeError("unimplemented", "a pass asks for no conditions"));
  }

  close(): void {}
}

function readingOf(container: FakeContainer): ContainerReading {
  const { id, pod, name, attempt, state, createdAtNanos } = container;
  return { id, pod, name, attempt, state, createdAtNanos };
}

/**
 * A container runtime in memory that speaks CRI over a real socket, with containerd's rules and words as they were
 * measured (facts/containers.md 1.3), and faults on demand.
 */
import { randomBytes } from "node:crypto";
import { status } from "@grpc/grpc-js";
import { criPath, decodeRequest, encodeResponse, type CriMethod } from "./cri-codec.ts";
import type { FakeOwnServices } from "./fake-own-services.ts";
import { Refusal, serveGrpc, type GrpcHandler } from "./grpc-server.ts";
import { textAt, valueAt } from "./shape.ts";

export interface FakeSandbox {
  readonly id: string;
  readonly config: unknown;
  readonly createdAtNanos: bigint;
  /** As on the wire; any number. */
  state: number;
}

export interface FakeContainer {
  readonly id: string;
  readonly sandboxID: string;
  readonly config: unknown;
  readonly reservedName: string;
  createdAtNanos: bigint;
  startedAtNanos: bigint;
  finishedAtNanos: bigint;
  /** As on the wire; any number. */
  state: number;
  /** While set, containerd refuses removal: "starting" or "removing". */
  busy: "starting" | "removing" | undefined;
}

export interface FakeContainerd {
  readonly sandboxes: Map<string, FakeSandbox>;
  readonly containers: Map<string, FakeContainer>;
  /** Methods called, in order. */
  readonly calls: CriMethod[];
  /** Answers instead of the runtime until set to undefined. */
  override(method: CriMethod, handler: GrpcHandler | undefined): void;
  close(): void;
}

export interface FakeContainerdOptions {
  readonly socketPath: string;
  /** As RuntimeName. Defaults to containerd. */
  readonly name?: string;
  /** Date of the first thing made. Defaults to one that a double can't hold. */
  readonly firstNanos?: bigint;
  /** What it serves besides CRI, as a containerd does. Defaults to nothing, as a CRI-O. */
  readonly own?: FakeOwnServices;
  /** Defaults to 1.7.24. */
  readonly version?: string;
}

const CREATED = 0;
const RUNNING = 1;
const EXITED = 2;
const READY = 0;
const NOT_READY = 1;

export async function startFakeContainerd(options: FakeContainerdOptions): Promise<FakeContainerd> {
  const sandboxes = new Map<string, FakeSandbox>();
  const containers = new Map<string, FakeContainer>();
  const overrides = new Map<CriMethod, GrpcHandler>();
  const calls: CriMethod[] = [];
  let now = options.firstNanos ?? 1_763_700_000_123_456_789n;

  const tick = (): bigint => (now += 1_000_000_001n);
  const newID = (): string => randomBytes(32).toString("hex");

  function containerOf(request: unknown): FakeContainer {
    const id = textAt(request, "container_id");
    const found = containers.get(id);
    if (found !== undefined) return found;
    const words = `an error occurred when try to find container "${id}": not found`;
    throw new Refusal(status.NOT_FOUND, words);
  }

  function create(request: unknown): object {
    const sandbox = sandboxes.get(textAt(request, "pod_sandbox_id"));
    if (sandbox === undefined) throw new Refusal(status.NOT_FOUND, "failed to find sandbox id: not found");
    if (sandbox.state !== READY) {
      throw new Refusal(status.NOT_FOUND, "failed to get sandbox container task: no running task found");
    }
    const config = valueAt(request, "config");
    const pod = valueAt(request, "sandbox_config", "metadata");
    const reservedName = [
      textAt(config, "metadata", "name"),
      textAt(pod, "name"),
      textAt(pod, "namespace"),
      textAt(pod, "uid"),
      String(valueAt(config, "metadata", "attempt")),
    ].join("_");
    const holder = [...containers.values()].find((candidate) => candidate.reservedName === reservedName);
    if (holder !== undefined) {
      const words = `failed to reserve container name "${reservedName}": name "${reservedName}" is reserved for "${holder.id}"`;
      throw new Refusal(status.UNKNOWN, words);
    }
    const container: FakeContainer = {
      id: newID(),
      sandboxID: sandbox.id,
      config,
      reservedName,
      createdAtNanos: tick(),
      startedAtNanos: 0n,
      finishedAtNanos: 0n,
      state: CREATED,
      busy: undefined,
    };
    containers.set(container.id, container);
    return { container_id: container.id };
  }

  function start(request: unknown): object {
    const container = containerOf(request);
    if (sandboxes.get(container.sandboxID)?.state !== READY) {
      throw new Refusal(status.UNKNOWN, `sandbox container "${container.sandboxID}" is not running`);
    }
    container.state = RUNNING;
    container.startedAtNanos = tick();
    return {};
  }

  function remove(request: unknown): object {
    const container = containers.get(textAt(request, "container_id"));
    // Idempotent: an unknown id is OK.
    if (container === undefined) return {};
    if (container.busy === undefined) containers.delete(container.id);
    else {
      const why =
        container.busy === "starting"
          ? "container is in starting state, can't be removed"
          : "container is already in removing state";
      const words = `failed to set removing state for container "${container.id}": ${why}`;
      throw new Refusal(status.UNKNOWN, words);
    }
    return {};
  }

  function stopSandbox(request: unknown): object {
    const sandbox = sandboxes.get(textAt(request, "pod_sandbox_id"));
    if (sandbox === undefined) return {};
    sandbox.state = NOT_READY;
    for (const container of containers.values()) {
      if (container.sandboxID === sandbox.id && container.state === RUNNING) stop(container);
    }
    return {};
  }

  function stop(container: FakeContainer): object {
    container.state = EXITED;
    container.finishedAtNanos = tick();
    return {};
  }

  const methods: Record<CriMethod, (request: unknown) => object> = {
    Version: () => ({
      version: "0.1.0",
      runtime_name: options.name ?? "containerd",
      runtime_version: options.version ?? "1.7.24",
      runtime_api_version: "v1",
    }),
    Status: () => ({
      status: {
        conditions: [
          { type: "RuntimeReady", status: true },
          {
            type: "NetworkReady",
            status: false,
            reason: "NetworkPluginNotReady",
            message: "cni plugin not initialized",
          },
        ],
      },
    }),
    RunPodSandbox: (request) => {
      const id = newID();
      const config = valueAt(request, "config");
      sandboxes.set(id, { id, config, createdAtNanos: tick(), state: READY });
      return { pod_sandbox_id: id };
    },
    StopPodSandbox: stopSandbox,
    RemovePodSandbox: (request) => {
      const id = textAt(request, "pod_sandbox_id");
      sandboxes.delete(id);
      for (const container of containers.values()) {
        if (container.sandboxID === id) containers.delete(container.id);
      }
      return {};
    },
    ListPodSandbox: () => ({ items: [...sandboxes.values()].map(sandboxMessage) }),
    CreateContainer: create,
    StartContainer: start,
    StopContainer: (request) => stop(containerOf(request)),
    RemoveContainer: remove,
    ListContainers: () => ({ containers: [...containers.values()].map(containerMessage) }),
    ContainerStatus: (request) => ({ status: statusMessage(containerOf(request)) }),
  };

  async function answer(
    method: CriMethod,
    request: Buffer,
    metadata: ReadonlyMap<string, string>,
  ): Promise<Buffer> {
    calls.push(method);
    const override = overrides.get(method);
    if (override !== undefined) return override(request, metadata);
    return encodeResponse(method, methods[method](decodeRequest(method, request)));
  }

  const handlers: Record<string, GrpcHandler> = {};
  for (const method of Object.keys(methods).filter((name) => isMethod(name, methods))) {
    handlers[criPath(method)] = async (request, metadata) => answer(method, request, metadata);
  }
  Object.assign(handlers, options.own?.unary);
  const server = await serveGrpc(options.socketPath, handlers, options.own?.streams);
  return {
    sandboxes,
    containers,
    calls,
    override: (method, handler) => {
      if (handler === undefined) overrides.delete(method);
      else overrides.set(method, handler);
    },
    close: () => server.close(),
  };
}

function isMethod(name: string, methods: Readonly<Record<CriMethod, unknown>>): name is CriMethod {
  return Object.hasOwn(methods, name);
}

function sandboxMessage(sandbox: FakeSandbox): object {
  return {
    id: sandbox.id,
    metadata: valueAt(sandbox.config, "metadata"),
    state: sandbox.state,
    created_at: String(sandbox.createdAtNanos),
    labels: valueAt(sandbox.config, "labels"),
    annotations: valueAt(sandbox.config, "annotations"),
  };
}

function containerMessage(container: FakeContainer): object {
  return {
    id: container.id,
    pod_sandbox_id: container.sandboxID,
    metadata: valueAt(container.config, "metadata"),
    image: valueAt(container.config, "image"),
    state: container.state,
    created_at: String(container.createdAtNanos),
    labels: valueAt(container.config, "labels"),
    annotations: valueAt(container.config, "annotations"),
  };
}

function statusMessage(container: FakeContainer): object {
  return {
    id: container.id,
    metadata: valueAt(container.config, "metadata"),
    state: container.state,
    created_at: String(container.createdAtNanos),
    started_at: String(container.startedAtNanos),
    finished_at: String(container.finishedAtNanos),
    labels: valueAt(container.config, "labels"),
    annotations: valueAt(container.config, "annotations"),
  };
}

/** Tries one socket: is a runtime there, which one, and if not, what is. */
import { createConnection } from "node:net";
import { openCri } from "../cri.ts";
import { openEngine } from "../engine/engine.ts";
import type { GrpcConnection } from "../grpc.ts";
import { codeOf } from "../../host/reason.ts";
import { wordsOf } from "../in-words.ts";
import { RuntimeError, type ContainerRuntime } from "../runtime.ts";
import { removeThrough } from "../through-engine.ts";
import { resolveHostPath } from "./host-path.ts";

/** Why a socket is no runtime to work with, in words for a person. */
export interface Unanswered {
  readonly kind:
    | "absent"
    /** Somebody listens, but no answer came (yet). */
    | "slow"
    | "too-old"
    /** Docker's own containerd, for one, has its CRI switched off. */
    | "without-cri"
    | "nonsense"
    | "forbidden";
  readonly message: string;
}

export interface Answers {
  readonly kind: "answers";
  /** As it names itself. */
  readonly name: string;
  readonly version: string;
}

export type ProbeResult = Answers | Unanswered;

export interface OpenedRuntime {
  readonly runtime: ContainerRuntime;
  readonly answers: Answers;
  readonly protocol: "cri" | "engine";
  /** For containerd's own services; absent where the runtime speaks no gRPC. */
  readonly connection: GrpcConnection | undefined;
  /** What is not as it should be although it answers. */
  readonly caveat: string | undefined;
}

export interface ProbeOptions {
  readonly hostRoot: string;
  /** Where Docker listens when cri-dockerd stands before it, as the host calls it. */
  readonly dockerHostPath: string;
  readonly callMillis?: number;
  readonly listMillis?: number;
}

const CONNECT_MILLIS = 1_000;

/** Never rejects. The runtime that comes back is the caller's to close. */
export async function probe(
  hostPath: string,
  options: ProbeOptions,
  signal: AbortSignal,
): Promise<OpenedRuntime | Unanswered> {
  try {
    const socketPath = await resolveHostPath(options.hostRoot, hostPath);
    await connectOnce(socketPath, signal);
    return await openAt(socketPath, hostPath, options, signal);
  } catch (thrown) {
    return whyNot(hostPath, thrown);
  }
}

/** What a failed `version()` of a runtime means. */
export function whyNot(hostPath: string, thrown: unknown): Unanswered {
  if (thrown instanceof RuntimeError) {
    const kind = kindOf(thrown);
    const remedy = kind === "without-cri" ? "; its CRI is switched off, or it is none of Kubernetes" : "";
    return { kind, message: `${thrown.message}${remedy}` };
  }
  const words = `${hostPath}: ${wordsOf(thrown)}`;
  switch (codeOf(thrown) ?? "") {
    case "ENOENT":
    case "ENOTDIR":
      return { kind: "absent", message: `${hostPath}: no such socket` };
    case "ECONNREFUSED":
      return { kind: "absent", message: `${hostPath}: nobody listens on it` };
    case "EACCES":
    case "EPERM":
      return { kind: "forbidden", message: `${words}; the agent must run as root and privileged` };
    case "EAGAIN":
    case "ABORT_ERR":
      return { kind: "slow", message: `${hostPath}: does not take a connection within ${CONNECT_MILLIS} ms` };
    default:
      return { kind: "nonsense", message: words };
  }
}

function kindOf(error: RuntimeError): Unanswered["kind"] {
  switch (error.kind) {
    case "too-old":
    case "nonsense":
      return error.kind;
    case "unimplemented":
      return "without-cri";
    case "unavailable":
    case "deadline":
    case "busy":
      return "slow";
    case "not-found":
    case "other":
      return "nonsense";
  }
}

/** Node's errors of connect carry the system's code, which gRPC's do not. */
async function connectOnce(socketPath: string, signal: AbortSignal): Promise<void> {
  const ends = AbortSignal.any([signal, AbortSignal.timeout(CONNECT_MILLIS)]);
  await new Promise<void>((resolve, reject) => {
    const socket = createConnection({ path: socketPath, signal: ends });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.destroy();
      resolve();
    });
  });
}

async function openAt(
  socketPath: string,
  hostPath: string,
  options: ProbeOptions,
  signal: AbortSignal,
): Promise<OpenedRuntime> {
  const at = { ...options, socketPath, hostPath };
  if (hostPath.endsWith("/docker.sock")) return openDocker(at, signal);
  const cri = openCri(at);
  try {
    const { name, version } = await cri.version(signal);
    const opened: OpenedRuntime = {
      runtime: cri,
      answers: { kind: "answers", name, version },
      protocol: "cri",
      connection: cri.connection,
      caveat: undefined,
    };
    // cri-dockerd names itself after what it stands before.
    return name === "docker" ? await withDocker(opened, options, signal) : opened;
  } catch (thrown) {
    cri.close();
    const isForeign = thrown instanceof RuntimeError && thrown.kind === "nonsense";
    // A Docker under another name answers gRPC with HTTP/1.1.
    const docker = isForeign ? await openDocker(at, signal).catch(() => undefined) : undefined;
    if (docker !== undefined) return docker;
    throw thrown;
  }
}

async function openDocker(
  at: ProbeOptions & { readonly socketPath: string; readonly hostPath: string },
  signal: AbortSignal,
): Promise<OpenedRuntime> {
  const runtime = openEngine(at);
  const { name, version } = await runtime.version(signal);
  const answers = { kind: "answers", name, version } as const;
  return { runtime, answers, protocol: "engine", connection: undefined, caveat: undefined };
}

async function withDocker(
  cri: OpenedRuntime,
  options: ProbeOptions,
  signal: AbortSignal,
): Promise<OpenedRuntime> {
  const hostPath = options.dockerHostPath;
  try {
    const socketPath = await resolveHostPath(options.hostRoot, hostPath);
    await connectOnce(socketPath, signal);
    const docker = await openDocker({ ...options, socketPath, hostPath }, signal);
    return { ...cri, runtime: removeThrough(cri.runtime, docker.runtime) };
  } catch (thrown) {
    const { message } = whyNot(hostPath, thrown);
    return {
      ...cri,
      caveat: `removes through CRI, which forces, as Docker itself can't be reached: ${message}`,
    };
  }
}

/** Container runtimes that speak CRI v1: containerd, CRI-O, cri-dockerd. */
import { connectGrpc, type GrpcConnection } from "./grpc.ts";
import { GrpcFailure, kindOfFailure } from "./grpc-failure.ts";
import {
  readConditions,
  readContainers,
  readContainerStatus,
  readSandboxes,
  readVersion,
} from "./cri-messages.ts";
import { inOneLine, wordsOf } from "./in-words.ts";
import { toRemoveResult } from "./remove-result.ts";
import { toStopResult } from "./stop-result.ts";
import { RuntimeError, type ContainerRuntime, type RuntimeVersion } from "./runtime.ts";
import { encodeMessage } from "./wire/encode.ts";
import { NonsenseError } from "./wire/nonsense.ts";

export interface CriOptions {
  /** The socket as this process sees it. */
  readonly socketPath: string;
  /** The socket as the host calls it, for messages. */
  readonly hostPath: string;
  /** Defaults to 2_000: containerd answers within 10 ms; an SD card may need more. */
  readonly callMillis?: number;
  /** Defaults to 10_000, for lists. */
  readonly listMillis?: number;
  /** Defaults to 30_000: a stop runs every CNI plugin of the network, one after the other. */
  readonly stopMillis?: number;
}

/** `connection` leads to the same socket, for what containerd offers besides CRI. */
export interface CriRuntime extends ContainerRuntime {
  readonly connection: GrpcConnection;
}

const V1 = "/runtime.v1.RuntimeService/";
const V1ALPHA2 = "/runtime.v1alpha2.RuntimeService/";
const NOTHING = Buffer.alloc(0);

export function openCri(options: CriOptions): CriRuntime {
  const { socketPath, hostPath, callMillis = 2_000, listMillis = 10_000, stopMillis = 30_000 } = options;
  const connection = connectGrpc(socketPath);
  let name = "container runtime";

  async function ask<T>(
    method: string,
    request: Uint8Array,
    deadlineMillis: number,
    read: (answer: Buffer) => T,
    signal: AbortSignal,
  ): Promise<T> {
    try {
      return read(await connection.call({ method, request, deadlineMillis, signal }));
    } catch (thrown) {
      throw criError(
        `${name} at ${hostPath}: ${method.slice(method.lastIndexOf("/") + 1)}`,
        thrown,
        deadlineMillis,
      );
    }
  }

  async function version(signal: AbortSignal): Promise<RuntimeVersion> {
    try {
      const answer = await ask(`${V1}Version`, NOTHING, callMillis, readVersion, signal);
      name = answer.name;
      return answer;
    } catch (thrown) {
      if (thrown instanceof RuntimeError && thrown.kind === "unimplemented")
        await refuseOldVersion(thrown, signal);
      throw thrown;
    }
  }

  /** Throws what says so if the runtime speaks the CRI of before Kubernetes 1.26 alone (containerd <= 1.5). */
  async function refuseOldVersion(cause: RuntimeError, signal: AbortSignal): Promise<void> {
    // Its messages have the same numbers as v1's (facts/containers.md 2). A failure here adds nothing to the first one.
    const old = await ask(`${V1ALPHA2}Version`, NOTHING, callMillis, readVersion, signal).catch(
      () => undefined,
    );
    if (old === undefined) return;
    const words = `${old.name} ${old.version} at ${hostPath} is too old: it has CRI v1alpha2 only; upgrade it (containerd >= 1.6, CRI-O >= 1.20, cri-dockerd >= 0.3)`;
    throw new RuntimeError("too-old", words, { cause });
  }

  return {
    get label() {
      return `${name} at ${hostPath}`;
    },
    connection,
    version,
    conditions: async (signal) => ask(`${V1}Status`, NOTHING, callMillis, readConditions, signal),
    listSandboxes: async (signal) => ask(`${V1}ListPodSandbox`, NOTHING, listMillis, readSandboxes, signal),
    listContainers: async (signal) => ask(`${V1}ListContainers`, NOTHING, listMillis, readContainers, signal),
    containerState: async (id, signal) => {
      const read = (answer: Buffer) => readContainerStatus(answer, id);
      try {
        return await ask(`${V1}ContainerStatus`, idRequest(id), callMillis, read, signal);
      } catch (thrown) {
        if (thrown instanceof RuntimeError && thrown.kind === "not-found") return undefined;
        throw thrown;
      }
    },
    removeContainer: async (id, signal) =>
      toRemoveResult(ask(`${V1}RemoveContainer`, idRequest(id), callMillis, () => undefined, signal)),
    stopSandbox: async (id, signal) =>
      toStopResult(ask(`${V1}StopPodSandbox`, idRequest(id), stopMillis, () => undefined, signal)),
    close: () => connection.close(),
  };
}

/** ContainerStatusRequest, RemoveContainerRequest and StopPodSandboxRequest alike. */
function idRequest(id: string): Buffer {
  return encodeMessage([[1, id]]);
}

function criError(doing: string, thrown: unknown, deadlineMillis: number): RuntimeError {
  const cause = { cause: thrown };
  if (thrown instanceof NonsenseError)
    return new RuntimeError("nonsense", `${doing}: ${thrown.message}`, cause);
  if (!(thrown instanceof GrpcFailure))
    return new RuntimeError("other", `${doing}: ${wordsOf(thrown)}`, cause);
  const kind = kindOfFailure(thrown);
  if (thrown.isAbandoned) return new RuntimeError(kind, `${doing}: given up, no longer wanted`, cause);
  if (kind === "deadline") {
    return new RuntimeError(kind, `${doing}: no answer within ${deadlineMillis} ms`, cause);
  }
  return new RuntimeError(kind, `${doing}: ${inOneLine(thrown.message)}`, cause);
}

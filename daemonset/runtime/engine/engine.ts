/**
 * The Docker Engine API as a container runtime: for kubelets with dockershim, and for removal beside cri-dockerd, whose
 * own RemoveContainer forces, where Docker's DELETE without force refuses to remove what runs.
 */
import { toRemoveResult } from "../remove-result.ts";
import {
  RuntimeError,
  type ContainerReading,
  type ContainerRuntime,
  type RuntimeVersion,
} from "../runtime.ts";
import { wordsOf } from "../in-words.ts";
import { NonsenseError } from "../wire/nonsense.ts";
import { askEngine, engineMessage, type EngineAnswer } from "./http.ts";
import { containerState, readEngineVersion, readInspect, readList, sandboxState } from "./messages.ts";
import type { ListedContainer } from "./messages.ts";

export interface EngineOptions {
  /** The socket as this process sees it. */
  readonly socketPath: string;
  /** The socket as the host calls it, for messages. */
  readonly hostPath: string;
  /** Defaults to 2_000. */
  readonly callMillis?: number;
  /** Defaults to 10_000, for a list with all that has to be looked up for it. */
  readonly listMillis?: number;
}

type Method = "GET" | "DELETE";
type Dated = ListedContainer & { readonly createdAtNanos: bigint };

/** Inspections at a time. */
const WORKERS = 4;

export function openEngine(options: EngineOptions): ContainerRuntime {
  const { socketPath, hostPath, callMillis = 2_000, listMillis = 10_000 } = options;
  const label = `docker at ${hostPath}`;
  let apiVersion: string | undefined;
  /** Lists give whole seconds only; a container's date never changes. Holds what the last lists held. */
  const dates = new Map<"container" | "podsandbox", ReadonlyMap<string, bigint>>();

  async function ask(method: Method, path: string, deadlineMillis: number, signal: AbortSignal) {
    const doing = `${label}: ${method} ${path.split("?")[0]}`;
    return askEngine({ socketPath, method, path, deadlineMillis, signal, doing });
  }

  async function version(signal: AbortSignal): Promise<RuntimeVersion> {
    const answer = await ask("GET", "/version", callMillis, signal);
    if (answer.status !== 200) throw refused("GET /version", answer);
    const read = parsed("GET /version", () => readEngineVersion(answer.body));
    if (read.api.kind === "too-old") {
      throw new RuntimeError(
        "too-old",
        `${label}: ${read.version} is too old: its API is below 1.24; upgrade Docker`,
      );
    }
    if (read.api.kind === "nonsense")
      throw new RuntimeError("nonsense", `${label}: its API versions make no range`);
    apiVersion = read.api.version;
    return { name: "docker", version: read.version };
  }

  /** Asks with the agreed API version, and agrees on one first if need be. */
  async function askVersioned(method: Method, path: string, deadlineMillis: number, signal: AbortSignal) {
    if (apiVersion === undefined) await version(signal);
    try {
      const answer = await ask(method, `/v${apiVersion}${path}`, deadlineMillis, signal);
      // An engine that was replaced may not speak that version any more.
      if (answer.status === 400) apiVersion = undefined;
      return answer;
    } catch (thrown) {
      apiVersion = undefined;
      throw thrown;
    }
  }

  function refused(doing: string, answer: EngineAnswer): RuntimeError {
    const message = engineMessage(answer);
    const words = `${label}: ${doing}: ${message}`;
    // A 404 that is not about a container is of something else than Docker.
    if (answer.status === 404) {
      return new RuntimeError(/no such container/i.test(message) ? "not-found" : "nonsense", words);
    }
    if (answer.status === 409) return new RuntimeError("busy", words);
    return new RuntimeError(answer.status === 503 ? "unavailable" : "other", words);
  }

  function parsed<T>(doing: string, read: () => T): T {
    try {
      return read();
    } catch (cause) {
      const kind = cause instanceof NonsenseError ? "nonsense" : "other";
      throw new RuntimeError(kind, `${label}: ${doing}: ${wordsOf(cause)}`, { cause });
    }
  }

  async function inspect(
    id: string,
    deadlineMillis: number,
    signal: AbortSignal,
  ): Promise<ContainerReading | undefined> {
    const answer = await askVersioned(
      "GET",
      `/containers/${encodeURIComponent(id)}/json`,
      deadlineMillis,
      signal,
    );
    if (answer.status === 200) return parsed("inspect", () => readInspect(answer.body, id));
    const error = refused("inspect", answer);
    if (error.kind === "not-found") return undefined;
    throw error;
  }

  async function list(type: "container" | "podsandbox", signal: AbortSignal): Promise<readonly Dated[]> {
    const end = performance.now() + listMillis;
    const filters = encodeURIComponent(JSON.stringify({ label: [`io.kubernetes.docker.type=${type}`] }));
    const answer = await askVersioned("GET", `/containers/json?all=1&filters=${filters}`, listMillis, signal);
    if (answer.status !== 200) throw refused("list", answer);
    const listed = parsed("list", () => readList(answer.body));
    const known = dates.get(type);
    const found = new Map<string, bigint>();
    const waiting = [...listed];
    const lookUp = async (): Promise<void> => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        const leftMillis = Math.floor(end - performance.now());
        if (leftMillis <= 0)
          throw new RuntimeError("deadline", `${label}: list: not whole within ${listMillis} ms`);
        const date =
          known?.get(next.id) ??
          (await inspect(next.id, Math.min(callMillis, leftMillis), signal))?.createdAtNanos;
        if (date !== undefined) found.set(next.id, date);
      }
    };
    try {
      await Promise.all(Array.from({ length: WORKERS }, lookUp));
    } finally {
      // After the first failure the other workers have nothing left to do.
      waiting.length = 0;
    }
    dates.set(type, found);
    // What went away in between is not listed.
    return listed.flatMap((container) => {
      const createdAtNanos = found.get(container.id);
      return createdAtNanos === undefined ? [] : [{ ...container, createdAtNanos }];
    });
  }

  return {
    label,
    refusesRunning: true,
    version,
    conditions: async (signal) => {
      await version(signal);
      // Pod networks were dockershim's business, or are cri-dockerd's.
      return { runtimeReady: true, networkReady: true, message: undefined };
    },
    listSandboxes: async (signal) =>
      (await list("podsandbox", signal)).map(({ id, pod, attempt, state, createdAtNanos }) => {
        return { id, pod, attempt, state: sandboxState(state), createdAtNanos };
      }),
    listContainers: async (signal) =>
      (await list("container", signal)).map((container) => {
        return { ...container, state: containerState(container.state) };
      }),
    containerState: async (id, signal) => inspect(id, callMillis, signal),
    removeContainer: async (id, signal) => {
      const remove = async (): Promise<void> => {
        const path = `/containers/${encodeURIComponent(id)}?v=1&force=0`;
        const answer = await askVersioned("DELETE", path, callMillis, signal);
        if (answer.status !== 204) throw refused("remove", answer);
      };
      return toRemoveResult(remove());
    },
    stopSandbox: async () => {
      const message = `${label}: has no call that tears a pod's network down; dockershim and cri-dockerd have`;
      return { kind: "unsupported", message };
    },
    close: () => {},
  };
}

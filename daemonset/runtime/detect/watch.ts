/** Keeps looking for the node's container runtimes: opens those that answer, names the others, never gives up. */
import { backoffMillis } from "../../../program/backoff.ts";
import type { GrpcConnection } from "../grpc.ts";
import { wordsOf } from "../in-words.ts";
import type { ContainerRuntime } from "../runtime.ts";
import { chooseCandidates, type Candidate, type KubeletUse } from "./candidates.ts";
import { isMissed, reportEndpoints, type EndpointReport, type EndpointState } from "./describe.ts";
import { findKubeletEndpoint, type KubeletFiles } from "./kubelet-endpoint.ts";
import { probe, whyNot, type OpenedRuntime, type ProbeOptions } from "./probe.ts";

export interface RuntimeWatchOptions extends ProbeOptions {
  /** Paths from settings, as the host calls them; none means to look for oneself. */
  readonly explicit: readonly string[];
  readonly kubeletFiles: KubeletFiles;
}

export interface WatchWorld {
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  /** Resolves after that time, or as soon as the signal aborts. Never rejects. */
  readonly sleep: (millis: number, signal: AbortSignal) => Promise<void>;
}

/** A runtime that answered at least once. Its calls fail while it is away, and work again once it is back. */
export interface CurrentRuntime {
  readonly runtime: ContainerRuntime;
  readonly hostPath: string;
  readonly name: string;
  readonly version: string;
  /** Whether it answered when last asked. */
  readonly answers: boolean;
  readonly kubelets: KubeletUse;
  /** For containerd's own services; absent where the runtime speaks no gRPC. */
  readonly connection: GrpcConnection | undefined;
}

export interface RuntimeWatch {
  /** Kubelet's first. */
  current(): readonly CurrentRuntime[];
  /** Empty until the first round is over. */
  describe(): readonly EndpointReport[];
  /** What kubelet's files hold that is of no use, one sentence each. */
  complaints(): readonly string[];
  /** Looks again now; resolves when a round that began after the call is over. Never rejects. */
  refresh(): Promise<void>;
  /** Resolves when the signal has ended the watch and everything is closed. Never rejects. */
  readonly ended: Promise<void>;
}

const RETRY = { firstMillis: 500, maxMillis: 30_000 };
/** While nothing is missed: is everybody still there, and has anything been added? */
const QUIET_MILLIS = 60_000;

interface Entry {
  state: EndpointState;
  opened: OpenedRuntime | undefined;
}

/** Starts at once. `signal` ends it and closes every runtime. */
export function watchRuntimes(
  options: RuntimeWatchOptions,
  world: WatchWorld,
  signal: AbortSignal,
): RuntimeWatch {
  const entries = new Map<string, Entry>();
  let complaints: readonly string[] = [];
  let reports: readonly EndpointReport[] = [];
  let waiting: (() => void)[] = [];
  let wake = new AbortController();

  async function round(): Promise<void> {
    const finding = await findKubeletEndpoint(options.hostRoot, options.kubeletFiles);
    complaints = finding.complaints;
    const candidates = chooseCandidates(options.explicit, finding);
    const looked = await Promise.all(
      candidates.map(async (candidate) => {
        return lookAgain(candidate, entries.get(candidate.hostPath)?.opened, options, signal);
      }),
    );
    replaceEntries(looked);
    forgetDockerBehindCri();
    reports = reportEndpoints([...entries.values()].map((entry) => entry.state));
  }

  /** In the order of the candidates. What was open and is not any more is closed. */
  function replaceEntries(looked: readonly Entry[]): void {
    const open = new Set(looked.map((entry) => entry.opened?.runtime));
    for (const { opened } of entries.values()) if (!open.has(opened?.runtime)) opened?.runtime.close();
    entries.clear();
    for (const entry of looked) entries.set(entry.state.candidate.hostPath, entry);
  }

  function forget(hostPath: string): void {
    entries.get(hostPath)?.opened?.runtime.close();
    entries.delete(hostPath);
  }

  /** The same containers would be listed twice. */
  function forgetDockerBehindCri(): void {
    const opened = [...entries].filter(([, entry]) => entry.opened?.answers.name === "docker");
    if (!opened.some(([, entry]) => entry.opened?.protocol === "cri")) return;
    for (const [hostPath, entry] of opened) if (entry.opened?.protocol === "engine") forget(hostPath);
  }

  async function run(): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      wake = new AbortController();
      const served = waiting;
      waiting = [];
      try {
        await round();
      } catch (thrown) {
        // No part of a round rejects; should one after all, the agent stays up and says so.
        complaints = [`look for container runtimes: ${wordsOf(thrown)}`];
      }
      for (const resolve of served) resolve();
      const states = [...entries.values()].map((entry) => entry.state);
      const isWorse = states.some(isMissed) || !states.some(({ result }) => result.kind === "answers");
      failures = isWorse ? failures + 1 : 0;
      if (waiting.length > 0) continue;
      await world.sleep(pauseMillis(failures, world.random()), AbortSignal.any([signal, wake.signal]));
    }
    replaceEntries([]);
    for (const resolve of waiting) resolve();
    waiting = [];
  }

  const ended = run();
  return {
    current: () => [...entries.values()].flatMap(currentOf).toSorted(kubeletsFirst),
    describe: () => reports,
    complaints: () => complaints,
    refresh: async () => {
      if (signal.aborted) return;
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        wake.abort();
      });
    },
    ended,
  };
}

/** Grows from half a second to half a minute while something is missed; jitter keeps a fleet from acting as one. */
export function pauseMillis(failures: number, random: number): number {
  if (failures === 0) return QUIET_MILLIS * (0.9 + 0.2 * random);
  return backoffMillis(failures, RETRY, random);
}

async function lookAgain(
  candidate: Candidate,
  opened: OpenedRuntime | undefined,
  options: ProbeOptions,
  signal: AbortSignal,
): Promise<Entry> {
  if (opened !== undefined && opened.caveat === undefined) {
    try {
      const { name, version } = await opened.runtime.version(signal);
      const answers = { kind: "answers", name, version } as const;
      return { state: { candidate, result: answers, caveat: undefined }, opened: { ...opened, answers } };
    } catch (thrown) {
      return { state: { candidate, result: whyNot(candidate.hostPath, thrown), caveat: undefined }, opened };
    }
  }
  const probed = await probe(candidate.hostPath, options, signal);
  if ("runtime" in probed) {
    if (opened !== undefined && probed.caveat !== undefined) {
      // Nothing is better than it was, and a pass may be using the one that is open.
      probed.runtime.close();
      return { state: { candidate, result: probed.answers, caveat: probed.caveat }, opened };
    }
    return { state: { candidate, result: probed.answers, caveat: probed.caveat }, opened: probed };
  }
  return { state: { candidate, result: probed, caveat: undefined }, opened };
}

function currentOf({ state, opened }: Entry): readonly CurrentRuntime[] {
  if (opened === undefined) return [];
  const { runtime, answers, connection } = opened;
  return [
    {
      runtime,
      hostPath: state.candidate.hostPath,
      name: answers.name,
      version: answers.version,
      answers: state.result.kind === "answers",
      kubelets: state.candidate.kubelets,
      connection,
    },
  ];
}

function kubeletsFirst(a: CurrentRuntime, b: CurrentRuntime): number {
  return Number(b.kubelets === "configured") - Number(a.kubelets === "configured");
}

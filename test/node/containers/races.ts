/** Starts that come while a pass is at work, on any runtime, and what became of each container. */
import { setTimeout as sleep } from "node:timers/promises";
import type { PassTarget } from "../../../daemonset/containers/pass-request.ts";
import { SeededRandom } from "../../../daemonset/containers/testing/random.ts";
import type { ContainerRuntime } from "../../../daemonset/runtime/runtime.ts";
import { RealPasses } from "./real-pass.ts";

export interface RaceNode {
  readonly target: PassTarget;
  /** So many CREATED containers in a READY sandbox. */
  create(batch: number, count: number): Promise<readonly string[]>;
  start(id: string): Promise<void>;
  /** After each batch; they may be gone, created or running. */
  discard(ids: readonly string[]): Promise<void>;
}

export interface Race {
  /**
   * `survived`: its start succeeded and it runs. `removed`: its start was refused and it is gone. `killed`: its start
   * succeeded and it does not run. `neither`: it could not be started and is still there.
   */
  readonly end: "survived" | "removed" | "killed" | "neither";
  /** The start was sent after the list that showed it CREATED had come, and before its removal was settled. */
  readonly close: boolean;
  readonly says: string;
}

const signal = new AbortController().signal;

/** Batches of containers, each started at a random moment around the pass that would remove it. */
export async function raceBatches(
  node: RaceNode,
  spec: { readonly batches: number; readonly each: number; readonly seed: number },
): Promise<readonly Race[]> {
  const random = new SeededRandom(spec.seed);
  const races: Race[] = [];
  // A pass takes longer on a busy machine, so the starts are spread over as long as the last one took.
  let passMillis = 100;
  for (let batch = 0; batch < spec.batches; batch++) {
    const ids = await node.create(batch, spec.each);
    const watch = watched(node.target.runtime);
    const passes = new RealPasses({ ...node.target, runtime: watch.runtime });
    await passes.pass();
    watch.settled.clear();
    const delays = ids.map(() => random.next() * passMillis * 1.2);
    const before = performance.now();
    const pass = passes.secondPass().then(() => (passMillis = performance.now() - before));
    const starts = ids.map(async (id, index) => {
      await sleep(delays[index]);
      const sentMillis = performance.now();
      const refusal = await node.start(id).then(() => undefined, String);
      return { id, sentMillis, refusal };
    });
    const started = await Promise.all(starts);
    await pass;
    for (const { id, sentMillis, refusal } of started) {
      const state = (await node.target.runtime.containerState(id, signal))?.state ?? "gone";
      const settledMillis = watch.settled.get(id) ?? -Infinity;
      races.push({
        end: endOf(refusal === undefined, state),
        close: sentMillis > watch.listedMillis() && sentMillis < settledMillis,
        says: `${id.slice(0, 12)} ${state} ${refusal ?? "started"}`,
      });
    }
    await node.discard(ids);
  }
  return races;
}

function endOf(started: boolean, state: string): Race["end"] {
  if (started) return state === "running" ? "survived" : "killed";
  return state === "gone" ? "removed" : "neither";
}

/** The same runtime, noting when lists came and when the last word on a container was said. */
function watched(runtime: ContainerRuntime) {
  const settled = new Map<string, number>();
  let listed = Infinity;
  const note = async <T>(id: string, call: Promise<T>): Promise<T> => {
    try {
      return await call;
    } finally {
      settled.set(id, performance.now());
    }
  };
  const watching: ContainerRuntime = {
    label: runtime.label,
    version: async (until) => runtime.version(until),
    conditions: async (until) => runtime.conditions(until),
    listSandboxes: async (until) => runtime.listSandboxes(until),
    async listContainers(until) {
      const list = await runtime.listContainers(until);
      listed = performance.now();
      return list;
    },
    containerState: async (id, until) => note(id, runtime.containerState(id, until)),
    removeContainer: async (id, until) => note(id, runtime.removeContainer(id, until)),
    close: () => {},
  };
  return { runtime: watching, settled, listedMillis: () => listed };
}

/** How many ended how, and how many of those were close. */
export function tally(races: readonly Race[]) {
  const count = (end: Race["end"]) => races.filter((race) => race.end === end).length;
  const close = (end: Race["end"]) => races.filter((race) => race.end === end && race.close).length;
  return {
    survived: count("survived"),
    removed: count("removed"),
    killed: count("killed"),
    neither: count("neither"),
    closeSurvived: close("survived"),
    closeRemoved: close("removed"),
  };
}

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
   * `survived`: its start succeeded and it runs. `removed`: it is gone, and its start was refused for that. `killed`: its
   * start succeeded and it does not run, or failed in the middle. `neither`: it could not be started and is still there.
   */
  readonly end: "survived" | "removed" | "killed" | "neither";
  /** The start was sent after the list that showed it CREATED had come, and before its removal was settled. */
  readonly close: boolean;
  readonly says: string;
}

const signal = new AbortController().signal;

export interface RaceSpec {
  /** So many races, if time allows. */
  readonly most: number;
  /** So many even on a machine that is very busy. */
  readonly least: number;
  /** When `least` is enough. */
  readonly budgetMillis: number;
  readonly perBatch: number;
  readonly seed: number;
}

/** Batches of containers, each started at a random moment around the pass that would remove it. */
export async function raceBatches(node: RaceNode, spec: RaceSpec): Promise<readonly Race[]> {
  const beganMillis = performance.now();
  const random = new SeededRandom(spec.seed);
  const races: Race[] = [];
  // Removals take longer on a busy machine, so the starts are spread over the time that those before took.
  let spreadMillis = 100;
  for (let batch = 0; races.length < spec.most; batch++) {
    if (races.length >= spec.least && performance.now() - beganMillis > spec.budgetMillis) break;
    const ids = await node.create(batch, spec.perBatch);
    const watch = watched(node.target.runtime);
    const passes = new RealPasses({ ...node.target, runtime: watch.runtime });
    await passes.pass();
    watch.settled.clear();
    const delays = ids.map(() => random.next() * spreadMillis);
    const before = performance.now();
    const pass = passes.secondPass();
    const starts = ids.map(async (id, index) => {
      await sleep(delays[index]);
      const sentMillis = performance.now();
      const refusal = await node.start(id).then(() => undefined, String);
      return { id, sentMillis, refusal };
    });
    const started = await Promise.all(starts);
    await pass;
    spreadMillis = 2 * median([...watch.settled.values()].map((millis) => millis - before));
    for (const { id, sentMillis, refusal } of started) {
      const state = (await node.target.runtime.containerState(id, signal))?.state ?? "gone";
      const settledMillis = watch.settled.get(id) ?? -Infinity;
      races.push({
        end: endOf(refusal, state),
        close: sentMillis > watch.listedMillis() && sentMillis < settledMillis,
        says: `${id.slice(0, 12)} ${state} ${refusal ?? "started"}`,
      });
    }
    await node.discard(ids);
  }
  return races;
}

/** What runtimes say of a container that was removed, or is being, before the start. */
const tooLate = /not found|no such container|in removing state|marked for removal/i;

function endOf(refusal: string | undefined, state: string): Race["end"] {
  if (refusal === undefined) return state === "running" ? "survived" : "killed";
  if (state !== "gone") return "neither";
  // Any other refusal may be that of a start which was cut off.
  return tooLate.test(refusal) ? "removed" : "killed";
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 100;
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
    ...runtime,
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

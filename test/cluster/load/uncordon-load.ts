/** Uncordons of a locked node without pause, each of which the webhook must refuse in its own words. */
import { setTimeout as sleep } from "node:timers/promises";
import { getNode, messageOf, patchNode } from "../../scenarios/nodes.ts";
import { bob, type World } from "../../scenarios/world.ts";

export interface LoadResult {
  readonly refused: number;
  /** Every answer that was not the guard's refusal, in its own words. */
  readonly failures: readonly string[];
}

export interface Load {
  readonly stop: () => Promise<LoadResult>;
}

/** Bounded by `stop` and by `longestMillis`, whichever comes first. */
export function startUncordonLoad(world: World, node: string, workers: number, longestMillis: number): Load {
  const failures: string[] = [];
  let refused = 0;
  const stopped = new AbortController();
  const end = performance.now() + longestMillis;

  async function work(): Promise<void> {
    while (!stopped.signal.aborted && performance.now() < end) {
      try {
        const answer = await patchNode(world, node, bob, { spec: { unschedulable: null } });
        const message = messageOf(answer);
        if (answer.status === 403 && message.includes(`node ${node} is locked for reboot by`)) refused += 1;
        else failures.push(`${answer.status} ${message}`);
      } catch (thrown) {
        failures.push(String(thrown));
      }
      // Some 100 calls a second from 4 workers: load enough for races, little enough for two shared cores.
      await sleep(40);
    }
  }

  const running = Promise.all(Array.from({ length: workers }, work));
  return {
    async stop() {
      stopped.abort();
      await running;
      // What the load was about: not one uncordon got through.
      if ((await getNode(world, node)).spec.unschedulable !== true) failures.push(`${node} is schedulable`);
      return { refused, failures };
    },
  };
}

import { expect, test } from "vitest";
import { SimulatedCluster } from "./testing/simulated-cluster.ts";

const MINUTE = 60_000;

/** Kills a replica at its `nth` API call, and starts another in its place. */
function killAtCall(
  cluster: SimulatedCluster,
  nth: number,
  when: "before" | "after",
): { readonly reached: boolean } {
  const state = { reached: false };
  let calls = 0;
  cluster.hook = (name, _operation, moment) => {
    if (moment !== when || state.reached) return;
    calls += 1;
    if (calls < nth) return;
    state.reached = true;
    // The call goes on to its next wait, which never ends.
    queueMicrotask(() => {
      cluster.kill(cluster.replicas.find((replica) => replica.name === name));
      cluster.start();
    });
  };
  return state;
}

interface Outcome {
  readonly crashed: boolean;
  readonly agreed: boolean;
  readonly violations: readonly string[];
  readonly changed: boolean;
}

/** Lets a cluster crash at its nth API call, for each n up to `last`, before the call and after its effect. */
async function crashEverywhere(
  last: number,
  prepare: (cluster: SimulatedCluster) => Promise<void>,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const when of ["before", "after"] as const) {
    for (let nth = 1; nth <= last; nth += 1) {
      const cluster = new SimulatedCluster(nth);
      cluster.addConfigurations();
      await prepare(cluster);
      const before = cluster.signing();
      const crash = killAtCall(cluster, nth, when);
      if (cluster.replicas.length === 0) cluster.start();
      await cluster.pass(MINUTE);
      outcomes.push({
        crashed: crash.reached,
        agreed:
          cluster.served().size === 1 &&
          cluster.served().has(cluster.signing()) &&
          cluster.replicas.every((replica) => cluster.isReady(replica)),
        violations: cluster.violations,
        changed: cluster.signing() !== before,
      });
    }
  }
  return outcomes;
}

const good: Outcome = { crashed: true, agreed: true, violations: [], changed: true };

test("a crash at any API call of the first start leaves a state that the next replica goes on from", async () => {
  const outcomes = await crashEverywhere(16, async () => {});
  expect(outcomes).toEqual(outcomes.map(() => good));
});

test("a crash at any API call of a change of authority does not keep it from being finished", async () => {
  const outcomes = await crashEverywhere(24, async (cluster) => {
    cluster.start();
    await cluster.pass(MINUTE);
    askForAll(cluster);
  });
  expect(outcomes).toEqual(outcomes.map(() => good));
});

test("a crash at any API call after the Secret was deleted ends in one that all serve from", async () => {
  const outcomes = await crashEverywhere(24, async (cluster) => {
    cluster.start();
    cluster.start();
    await cluster.pass(MINUTE);
    cluster.secret = undefined;
  });
  expect(outcomes).toEqual(outcomes.map(() => good));
});

function askForAll(cluster: SimulatedCluster): void {
  cluster.writeSecret({ data: new Map(), annotations: new Map([["nodelatch.io/renew", "all"]]) });
}

/** What must hold whatever happened to the node before: many short random histories, each from a seed. */
import { describe, expect, test } from "vitest";
import type { Phase } from "./settings.ts";
import { SeededRandom } from "./testing/random.ts";
import { RandomNode } from "./testing/random-node.ts";

const PHASES = ["boot", "steady", "shutdown"] as const satisfies readonly Phase[];
const SEEDS = Array.from({ length: 300 }, (_, seed) => seed + 1);
const STEPS = 40;

function nodeWith(seed: number) {
  const random = new SeededRandom(seed);
  const node = new RandomNode(random);
  const pass = (phase?: Phase) =>
    node.kit.pass(phase ?? random.pick(PHASES) ?? "boot", [
      { key: "fake", runtime: node.runtime, hasTask: node.hasTask },
    ]);
  return { random, node, pass };
}

async function live(seed: number) {
  const history = nodeWith(seed);
  for (let step = 0; step < STEPS; step++) {
    history.node.step();
    if (history.random.chance(0.5)) await history.pass();
  }
  return history;
}

describe("over 300 random histories", () => {
  test("no remove is ever sent for what must stay, and nothing that ran is killed", async () => {
    let removed = 0;
    for (const seed of SEEDS) {
      const { node } = await live(seed);
      expect({ seed, violations: node.violations, killed: node.runtime.killed }).toEqual({
        seed,
        violations: [],
        killed: [],
      });
      removed += node.runtime.removed.length;
    }
    // Or else nothing was tested.
    expect(removed).toBeGreaterThan(500);
  });

  test("a second pass at the same moment finds nothing more to do", async () => {
    for (const seed of SEEDS) {
      const { node, pass } = await live(seed);
      node.settle();
      await pass("boot");
      const after = [...node.runtime.containers.keys()];
      await pass("boot");
      expect({ seed, left: [...node.runtime.containers.keys()] }).toEqual({ seed, left: after });
    }
  });

  test("with its own pod unknown, nothing is ever removed", async () => {
    for (const seed of SEEDS.slice(0, 100)) {
      const { random, node, pass } = nodeWith(seed);
      node.kit.own = { kind: "unknown" };
      for (let step = 0; step < STEPS; step++) {
        node.step();
        if (random.chance(0.5)) await pass();
      }
      const touched = node.runtime.calls.filter(({ method }) => method === "removeContainer");
      expect({ seed, touched }).toEqual({ seed, touched: [] });
    }
  });

  test("a pass cut off at any moment leaves a state from which later passes end as if it had not been", async () => {
    for (const seed of SEEDS.slice(0, 100)) {
      const ends = [];
      for (const cut of [false, true]) {
        const { random, node, pass } = await live(seed);
        node.settle();
        if (cut) {
          const whole = new AbortController();
          let calls = random.below(12);
          const { before } = node.runtime;
          node.runtime.before = (call, signal) => {
            if (calls-- === 0) whole.abort();
            return before(call, signal);
          };
          const targets = [{ key: "fake", runtime: node.runtime, hasTask: node.hasTask }];
          await node.kit.pass("boot", targets, { signal: whole.signal });
        }
        for (let round = 0; round < 3; round++) {
          await pass("boot");
          node.kit.nowMillis += 10_000;
        }
        ends.push([...node.runtime.containers.keys()]);
      }
      expect({ seed, end: ends[1] }).toEqual({ seed, end: ends[0] });
    }
  });

  test("in the end no name is taken: kubelet starts every pod but the agent's own", async () => {
    let stuck = 0;
    for (const seed of SEEDS) {
      const { node, pass } = await live(seed);
      node.settle();
      // What hides behind removed labels can't be healed, and nothing of Kubernetes makes such a thing.
      for (const [id, { pod }] of node.runtime.containers)
        if (pod === undefined) node.runtime.containers.delete(id);
      stuck += node.syncAll().filter(({ kind }) => kind === "reserved").length;
      for (let round = 0; round < 4; round++) {
        await pass("boot");
        node.kit.nowMillis += 10_000;
        node.syncAll();
      }
      const [, ...others] = node.syncAll();
      expect({ seed, others: others.map(({ kind }) => kind) }).toEqual({
        seed,
        others: others.map(() => "runs"),
      });
    }
    // Or else nothing was healed.
    expect(stuck).toBeGreaterThan(20);
  });
});

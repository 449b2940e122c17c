/** Walks every state of one or two nodes that can be reached, and checks every step between them. */
import { Admission } from "./admit.ts";
import { broken } from "./invariants.ts";
import { stepsOf } from "./node.ts";
import { canonical, FRESH, type Bounds, type NodeState, type Rules, type World } from "./state.ts";

export interface Explored {
  readonly states: number;
  readonly steps: number;
  /** The first that was found, with the way there. */
  readonly violation: string | undefined;
  /** States from which no way leads to nodes without locks. */
  readonly stuck: number;
  /** What happened at all, so that a test sees that something did. */
  readonly happened: ReadonlySet<string>;
}

const WORLDS: readonly World[] = [
  { webhookUp: true, hour: 0 },
  { webhookUp: false, hour: 0 },
  { webhookUp: true, hour: 1 },
  { webhookUp: false, hour: 1 },
];

/** A step of one node, its states as numbers: what a node may do depends on itself and the world alone. */
interface Move {
  readonly words: string;
  readonly to: number;
  readonly wrong: string | undefined;
}

class Nodes {
  readonly #ids = new Map<string, number>();
  readonly #states: NodeState[] = [];
  readonly #moves = new Map<number, readonly Move[]>();
  readonly #bounds: Bounds;
  readonly #rules: Rules;
  readonly #tools: ReadonlySet<string>;
  readonly #admission: Admission;

  constructor(bounds: Bounds, rules: Rules) {
    this.#tools = new Set(bounds.tools.map(({ username }) => username));
    this.#admission = new Admission(bounds, rules);
    this.#bounds = bounds;
    this.#rules = rules;
  }

  idOf(given: NodeState): number {
    const state = canonical(given);
    const key = JSON.stringify(state);
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = this.#states.length;
      this.#ids.set(key, id);
      this.#states.push(state);
    }
    return id;
  }

  at(id: number): NodeState {
    return this.#states[id] ?? FRESH;
  }

  moves(id: number, world: number): readonly Move[] {
    const key = id * WORLDS.length + world;
    let moves = this.#moves.get(key);
    if (moves === undefined) {
      const [state, around = { webhookUp: true, hour: 0 }] = [this.at(id), WORLDS[world]];
      moves = stepsOf(state, around, this.#bounds, this.#rules, this.#admission).map((step) => ({
        words: `${step.actor} ${step.what}${step.refused ? ", and is refused" : ""}`,
        to: this.idOf(step.next),
        wrong: broken(state, step, { world: around, tools: this.#tools }),
      }));
      this.#moves.set(key, moves);
    }
    return moves;
  }
}

interface State {
  readonly world: number;
  readonly nodes: readonly number[];
}

export function explore(count: 1 | 2, bounds: Bounds, rules: Rules): Explored {
  const nodes = new Nodes(bounds, rules);
  const first: State = { world: 0, nodes: Array.from({ length: count }, () => nodes.idOf(FRESH)) };
  const index = new Map<string, number>();
  const states: State[] = [];
  const cameFrom: (readonly [number, string])[] = [];
  const backwards: number[][] = [];
  const happened = new Set<string>();
  let steps = 0;

  function reach(from: number, words: string, state: State): void {
    steps += 1;
    const key = `${state.world} ${state.nodes.join(" ")}`;
    let at = index.get(key);
    if (at === undefined) {
      at = states.length;
      index.set(key, at);
      states.push(state);
      cameFrom.push([from, words]);
      backwards.push([]);
    }
    backwards[at]?.push(from);
  }

  function wayTo(at: number): string {
    const words: string[] = [];
    for (let here = at; here > 0; here = cameFrom[here]?.[0] ?? 0) words.unshift(cameFrom[here]?.[1] ?? "");
    return words.join("; ");
  }

  function pass({ world, nodes: ids }: State, at: number): void {
    if (bounds.outages) reach(at, "the webhook comes or goes", { world: world ^ 1, nodes: ids });
    if (!bounds.expires || (world & 2) !== 0) return;
    // An answer of the gate is good for seconds: who was told to reboot an hour ago asks again.
    const asked = ids.map((id) => nodes.idOf({ ...nodes.at(id), armed: false }));
    reach(at, "an hour passes", { world: world | 2, nodes: asked });
  }

  reach(0, "", first);
  for (let at = 0; at < states.length; at += 1) {
    const state = states[at] ?? first;
    pass(state, at);
    for (const [which, id] of state.nodes.entries()) {
      for (const { words, to, wrong } of nodes.moves(id, state.world)) {
        if (wrong !== undefined) {
          const violation = `${wrong}: ${wayTo(at)}; ${words}`;
          return { states: states.length, steps, violation, stuck: 0, happened };
        }
        happened.add(words);
        reach(at, words, { world: state.world, nodes: state.nodes.with(which, to) });
      }
    }
  }
  const free = states.flatMap(({ nodes: ids }, at) =>
    ids.every((id) => nodes.at(id).lock === undefined) ? [at] : [],
  );
  const stuck = states.length - reaching(free, backwards);
  return { states: states.length, steps, violation: undefined, stuck, happened };
}

/** How many states there are from which a way leads to one of these. */
function reaching(these: readonly number[], backwards: readonly (readonly number[])[]): number {
  const met = new Set(these);
  for (const at of met) for (const from of backwards[at] ?? []) met.add(from);
  return met.size;
}

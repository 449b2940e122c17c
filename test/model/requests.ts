/** Who may try what on a node. */
import type { Asker } from "../../lock/record.ts";
import { AGENT, WEBHOOK, type Wanted } from "./admit.ts";
import type { Actor, Bounds, NodeState } from "./state.ts";

export const ASKERS: Readonly<Record<Exclude<Actor, "others">, Asker>> = {
  tool: { username: "kured", node: "n" },
  "tool of the other node": { username: "kured", node: "m" },
  rival: { username: "rival", node: "m" },
  adversary: { username: "bob", node: undefined },
  agent: { username: AGENT, node: "n" },
  "agent of the other node": { username: AGENT, node: "m" },
  webhook: { username: WEBHOOK, node: undefined },
};

export const WRITERS = [
  "tool",
  "tool of the other node",
  "rival",
  "adversary",
  "agent",
  "agent of the other node",
] as const;

type Shape = readonly [what: string, wanted: Wanted];

const update = (part: Omit<Wanted, "operation" | "subresource">, subresource = ""): Wanted => ({
  operation: "UPDATE",
  subresource,
  ...part,
});

export const KEEPS: Wanted = update({ keeps: true });
const UNCORDONS: Shape = ["uncordons", update({ cordoned: false })];
const CORDONS: Shape = ["cordons", update({ cordoned: true })];

export function requestsOf(
  state: NodeState,
  actor: (typeof WRITERS)[number],
  bounds: Bounds,
): readonly Shape[] {
  const isKnown = bounds.tools.some(({ username }) => username === ASKERS[actor].username);
  if (actor === "rival") return isKnown ? [CORDONS, UNCORDONS] : [];
  const shapes: Shape[] = [
    UNCORDONS,
    ["removes the lock", update({ lock: null })],
    ["removes the lock by status", update({ lock: null }, "status")],
    ["removes the lock and uncordons", update({ lock: null, cordoned: false })],
  ];
  if (isKnown) shapes.push(CORDONS);
  if (actor === "tool") {
    for (const value of bounds.toolLocks) {
      shapes.push(
        [`locks and cordons ${value}`, update({ lock: value, cordoned: true })],
        [`locks ${value}`, update({ lock: value })],
      );
    }
  }
  if (actor === "adversary") shapes.push(...adversarial(state, bounds));
  return shapes;
}

function* adversarial(state: NodeState, bounds: Bounds): Generator<Shape> {
  for (const value of bounds.strangeLocks) {
    yield [`writes the lock ${value}`, update({ lock: value })];
    yield [`writes the lock ${value} and uncordons`, update({ lock: value, cordoned: false })];
  }
  yield CORDONS;
  yield ["overrides without the right", update({ override: "because" })];
  yield ["deletes the node", { operation: "DELETE", subresource: "" }];
  if (bounds.carriesOut) {
    yield ["makes up an uncordon", update({ keeps: true })];
    yield ["makes up an uncordon by status", update({ keeps: true }, "status")];
    yield ["withdraws its uncordon", update({ keeps: false })];
  }
  // A copy of the lock as if it were its own, or this boot's.
  if (state.lock !== undefined) {
    yield ["forges the holder", update({ lock: state.lock.replace('"kured"', '"bob"') })];
    yield ["forges the boot", update({ lock: state.lock.replace(/boot-\d/, `boot-${state.boot}`) })];
  }
}

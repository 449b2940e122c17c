/** Requests on a node, and which of the webhooks the API server has to ask about them. */
import { LOCK_ANNOTATION, OVERRIDE_ANNOTATION } from "../lock/node.ts";
import { UNCORDON_REQUESTED_ANNOTATION } from "../lock/requested-uncordon.ts";

/** A Node as far as the registrations look at it. `unschedulable: null` is the field with the value null. */
export interface NodeState {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly unschedulable?: boolean | null;
}

export interface RegistrationCase {
  readonly name: string;
  /** null: the request is a CREATE. */
  readonly before: NodeState | null;
  /** null: the request is a DELETE. */
  readonly after: NodeState | null;
  /** User name. */
  readonly by: string;
  /** In the order of their calls by kind: guard, latch, latch-tools. */
  readonly asked: readonly string[];
}

/** A tool that locks by its cordon, one that locks by a mark, and the mark. */
export const TOOL = "system:serviceaccount:kube-system:tool";
export const MARKER = "system:serviceaccount:kube-system:marker";
export const MARK = "example.com/rebooting";

const lock = { [LOCK_ANNOTATION]: "kernel" };
const bare: NodeState = {};
const other: NodeState = { annotations: { "example.com/a": "1" } };
const locked: NodeState = { annotations: lock };
const lockedCordoned: NodeState = { annotations: lock, unschedulable: true };
const cordoned: NodeState = { unschedulable: true };
const changed: NodeState = { annotations: { [LOCK_ANNOTATION]: "mine" }, unschedulable: true };
const emptied: NodeState = { annotations: { [LOCK_ANNOTATION]: "" }, unschedulable: true };

function withOverride(state: NodeState, reason: string): NodeState {
  return { ...state, annotations: { ...state.annotations, [OVERRIDE_ANNOTATION]: reason } };
}

function withRequest(state: NodeState, by: string): NodeState {
  return { ...state, annotations: { ...state.annotations, [UNCORDON_REQUESTED_ANNOTATION]: by } };
}

function row(
  name: string,
  before: NodeState | null,
  after: NodeState | null,
  asked: "nobody" | "guard" | "latch" | "both",
): RegistrationCase {
  const names = { nobody: [], guard: ["guard"], latch: ["latch"], both: ["guard", "latch"] }[asked];
  return { name, by: "bob", before, after, asked: names };
}

function toolRow(
  name: string,
  by: string,
  before: NodeState,
  after: NodeState,
  ...asked: readonly string[]
): RegistrationCase {
  return { name, by, before, after, asked };
}

function marked(state: NodeState, value = "now"): NodeState {
  return { ...state, annotations: { ...state.annotations, [MARK]: value } };
}

export const registrationCases: readonly RegistrationCase[] = [
  row("create a node", null, bare, "nobody"),
  row("create a locked node", null, locked, "latch"),
  row("create a node with an override", null, withOverride(bare, "why"), "nobody"),
  row("write a node without annotations", bare, bare, "nobody"),
  row("annotate an unlocked node", bare, other, "nobody"),
  row("cordon an unlocked node", bare, cordoned, "nobody"),
  row("uncordon an unlocked node", cordoned, bare, "nobody"),
  row("set an override on an unlocked node", bare, withOverride(bare, "why"), "nobody"),
  row("delete an unlocked node", other, null, "nobody"),
  row("take a lock on a node without annotations", bare, locked, "latch"),
  row("take a lock beside other annotations", other, locked, "latch"),
  row("take a lock with an empty value", cordoned, emptied, "latch"),
  row("take a lock and cordon", bare, lockedCordoned, "latch"),
  row("write a locked node as it is", lockedCordoned, lockedCordoned, "nobody"),
  row("cordon a locked node", locked, lockedCordoned, "nobody"),
  row("cordon a cordoned locked node again", lockedCordoned, lockedCordoned, "nobody"),
  row("set another annotation on a locked node", locked, { annotations: { ...lock, a: "1" } }, "nobody"),
  row("write a schedulable locked node with false", locked, { ...locked, unschedulable: false }, "nobody"),
  row("uncordon a locked node by leaving the field out", lockedCordoned, locked, "both"),
  row("uncordon a locked node with false", lockedCordoned, { ...locked, unschedulable: false }, "both"),
  row("remove the lock", lockedCordoned, cordoned, "both"),
  row("remove all annotations", locked, bare, "both"),
  row("remove the lock and uncordon", lockedCordoned, bare, "both"),
  row("change the lock", lockedCordoned, changed, "both"),
  row("empty the lock", lockedCordoned, emptied, "both"),
  row("fill an empty lock", emptied, lockedCordoned, "both"),
  row("uncordon a node with an empty lock", emptied, { ...emptied, unschedulable: false }, "both"),
  row("change the lock and uncordon", lockedCordoned, { ...changed, unschedulable: false }, "both"),
  // The latch then removes the lock, which brings the guard in.
  row("set an override", lockedCordoned, withOverride(lockedCordoned, "why"), "latch"),
  row("set an empty override", lockedCordoned, withOverride(lockedCordoned, ""), "latch"),
  row("change an override", withOverride(locked, "old"), withOverride(locked, "new"), "latch"),
  row("keep an old override", withOverride(locked, "old"), withOverride(locked, "old"), "nobody"),
  row("take an override away", withOverride(locked, "old"), locked, "nobody"),
  row("override and uncordon", lockedCordoned, withOverride(locked, "why"), "both"),
  row("override and remove the lock", lockedCordoned, withOverride(bare, "why"), "both"),
  row("keep a refused uncordon", lockedCordoned, withRequest(lockedCordoned, "bob"), "guard"),
  row("keep another refused uncordon", withRequest(locked, "bob"), withRequest(locked, "dave"), "guard"),
  row("leave a kept uncordon alone", withRequest(locked, "bob"), withRequest(locked, "bob"), "nobody"),
  row("take a kept uncordon away", withRequest(locked, "bob"), locked, "nobody"),
  row("write a kept uncordon onto an unlocked node", bare, withRequest(bare, "bob"), "nobody"),
  row("delete a locked node", lockedCordoned, null, "guard"),
  row("delete a node with an empty lock", emptied, null, "guard"),
  row("set a tool's mark, by somebody else", bare, marked(bare), "nobody"),
  toolRow("a tool cordons", TOOL, bare, cordoned, "latch-tools"),
  toolRow("a tool cordons a node with annotations", TOOL, other, { ...other, ...cordoned }, "latch-tools"),
  toolRow("a tool cordons again", TOOL, cordoned, cordoned),
  toolRow("a tool cordons a locked node", TOOL, locked, lockedCordoned, "guard", "latch-tools"),
  toolRow("a tool cordons and takes a lock by name", TOOL, bare, lockedCordoned, "latch"),
  toolRow("a tool uncordons a node without lock", TOOL, cordoned, bare),
  toolRow("a tool uncordons a locked node", TOOL, lockedCordoned, locked, "guard", "latch", "latch-tools"),
  // The latch has answered: that is what latch-tools would see then.
  toolRow("a tool uncordons and removes the lock", TOOL, lockedCordoned, bare, "guard", "latch"),
  toolRow("a tool annotates", TOOL, bare, other),
  toolRow("a tool writes its locked node", TOOL, lockedCordoned, marked(lockedCordoned, "false")),
  toolRow("a mark comes", MARKER, bare, marked(bare), "latch-tools"),
  toolRow("a mark comes on a locked node", MARKER, locked, marked(locked), "latch-tools"),
  toolRow("a mark goes", MARKER, marked(lockedCordoned), lockedCordoned, "latch-tools"),
  toolRow("a mark becomes false", MARKER, marked(locked), marked(locked, "false"), "latch-tools"),
  toolRow("a mark becomes true", MARKER, marked(bare, "false"), marked(bare, "true"), "latch-tools"),
  toolRow("a mark gets another value", MARKER, marked(bare), marked(bare, "later")),
  toolRow("a mark is false from the start", MARKER, bare, marked(bare, "false")),
];

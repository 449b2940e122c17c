/** What must never happen, said without the product's decision functions. */
import { nowMillis, type NodeState, type Step, type World } from "./state.ts";

interface Lock {
  readonly holder: string;
  readonly nodeUID: string;
  readonly bootID: string;
  readonly release: string;
  readonly wasUnschedulable: boolean;
  /** The boot in which it was taken, whatever the kubelet had reported by then: each has a minute of its own. */
  readonly takenIn: number;
  readonly live: boolean;
}

/** Who an actor is to the model's locks. */
const NAMES: Readonly<Partial<Record<Step["actor"], string>>> = {
  tool: "kured",
  rival: "rival",
  adversary: "bob",
};

/** A stamped lock; undefined for none, and for one that names nobody. */
export function stampedLock(state: NodeState, world: World): Lock | undefined {
  let value: unknown;
  try {
    value = JSON.parse(state.lock ?? "null");
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || !("acquiredAt" in value)) return undefined;
  const fields = new Map<string, unknown>(Object.entries(value));
  const field = (name: string): string => {
    const text = fields.get(name);
    return typeof text === "string" ? text : "";
  };
  const expiresAt = field("expiresAt");
  return {
    holder: field("holder"),
    nodeUID: field("nodeUID"),
    bootID: field("bootID"),
    release: field("release"),
    wasUnschedulable: fields.get("wasUnschedulable") === true,
    takenIn: new Date(field("acquiredAt")).getUTCMinutes(),
    live: expiresAt === "" || Date.parse(expiresAt) > nowMillis(world, state),
  };
}

export interface Surroundings {
  readonly world: World;
  /** User names of the tools that the webhook knows. */
  readonly tools: ReadonlySet<string>;
}

/** The broken invariant, or undefined. */
export function broken(before: NodeState, step: Step, around: Surroundings): string | undefined {
  const lock = stampedLock(before, around.world);
  if (step.refused) return wrongRefusal(before, step, lock, around);
  if (step.what === "reboot") return wrongReboot(before, lock);
  return (
    wrongTool(before, step, lock, around) ??
    wrongRequest(before, step, around) ??
    wrongEnd(before, step, lock)
  );
}

/** A known tool that is refused its own uncordon exits and starts over for ever; whoever is stuck so frees no lock. */
function wrongRefusal(
  before: NodeState,
  { actor, what }: Step,
  lock: Lock | undefined,
  { tools }: Surroundings,
): string | undefined {
  if (actor === "webhook") return "the webhook may not keep what was refused";
  if (actor === "agent" && what === "releases") return "the agent is refused the release that it has proven";
  const name = NAMES[actor] ?? "";
  const isOwn = lock !== undefined && lock.holder === name && tools.has(name);
  return isOwn && before.cordoned && what === "uncordons" ? `${name} is refused its own uncordon` : undefined;
}

function wrongReboot(before: NodeState, lock: Lock | undefined): string | undefined {
  if (before.pods) return "a node with pods was rebooted";
  if (!before.cordoned) return "a schedulable node was rebooted";
  if (lock === undefined || !lock.live) return "an unlocked node was rebooted";
  if (lock.bootID !== `boot-${before.boot}`) return "a node was rebooted a second time under one lock";
  return lock.nodeUID === `uid-${before.uid}`
    ? undefined
    : "a node was rebooted under the lock of an earlier one";
}

/** What a known tool's cordon and uncordon mean for the lock. */
function wrongTool(
  before: NodeState,
  { actor, what, next }: Step,
  lock: Lock | undefined,
  { world, tools }: Surroundings,
): string | undefined {
  const name = NAMES[actor] ?? "";
  if (!tools.has(name) || what !== "cordons" || before.cordoned || !next.cordoned) return undefined;
  if (before.lock === undefined) {
    const taken = stampedLock(next, world);
    return taken?.holder === name ? undefined : `${name} cordoned a node without a lock`;
  }
  const isForeign = lock === undefined || (lock.live && lock.holder !== name);
  return isForeign ? `${name} cordoned a node that somebody else has locked` : undefined;
}

/** A refused uncordon on the node is the webhook's word, and ends with the lock. */
function wrongRequest(
  before: NodeState,
  { actor, what, next }: Step,
  { world }: Surroundings,
): string | undefined {
  if (
    next.kept === "forged" &&
    before.kept !== "forged" &&
    before.lock !== undefined &&
    next.lock !== undefined
  )
    return `${actor} made up a refused uncordon on a locked node`;
  if (before.lock === undefined && next.lock !== undefined && next.kept !== "none" && world.webhookUp)
    return "a lock came, and a made-up uncordon stayed";
  if (
    before.lock !== undefined &&
    next.lock === undefined &&
    next.exists &&
    next.kept !== "none" &&
    world.webhookUp
  )
    return "a lock went, and its refused uncordon stayed";
  const isEnd = before.lock !== undefined && next.lock === undefined && next.exists;
  const isAsked = what.includes("uncordons") || what === "releases";
  const isCarriedOut = isEnd && before.cordoned && !next.cordoned && !isAsked;
  return isCarriedOut && before.kept !== "genuine" ? "a made-up uncordon was carried out" : undefined;
}

function wrongEnd(before: NodeState, step: Step, lock: Lock | undefined): string | undefined {
  const { actor, next } = step;
  if (before.lock === undefined) return undefined;
  const isTouched = next.lock !== before.lock || !next.exists;
  const isUncordoned = before.cordoned && !next.cordoned;
  if (!isTouched && !isUncordoned) return undefined;
  // A lock of nobody can be broken only by who has the right to, and nobody here has it.
  if (lock === undefined) return "a lock without a holder was ended or uncordoned";
  if (step.actor === "agent" && step.what === "releases") return wrongRelease(before, step, lock);
  if (!lock.live) return undefined;
  if (lock.holder === NAMES[actor])
    return next.lock !== undefined && isUncordoned ? "a lock stayed on a schedulable node" : undefined;
  if (actor === "agent") {
    if (lock.release !== "reboot") return "the agent ended a lock that is not its to end";
    if (lock.bootID === `boot-${before.reported}`) return "the agent ended a lock before the reboot";
    if (next.lock !== undefined) return "the agent changed a lock, or uncordoned under it";
    const isOthersCordon = isUncordoned && lock.wasUnschedulable && before.kept === "none";
    return isOthersCordon ? "the agent undid a cordon that was there before the lock" : undefined;
  }
  return `${actor} ended, changed or uncordoned a lock of ${lock.holder}`;
}

/** The agent as it is programmed; what its token alone could do is a stranger's matter. */
function wrongRelease(before: NodeState, { next }: Step, lock: Lock): string | undefined {
  if (next.lock !== undefined) return "the agent released, and the lock is still there";
  if (lock.release !== "reboot") return "the agent ended a lock that is not its to end";
  if (lock.nodeUID !== `uid-${before.uid}`) return "the agent ended the lock of an earlier node";
  if (lock.takenIn === before.boot) return "the agent released before the reboot";
  if (before.reported !== before.boot) return "the agent released before the kubelet had reported the boot";
  if (!before.clean) return "the agent released before the node was clean";
  const isAsBefore = next.cordoned === (before.cordoned && lock.wasUnschedulable);
  return isAsBefore || before.kept === "genuine"
    ? undefined
    : "the agent did not leave the cordon as it was before";
}

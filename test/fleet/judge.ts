/** What must never happen to a fleet, said without the product's decision functions. Pure. */

/** What counts of a node as the API server stores it. */
export interface Stored {
  readonly lock: string | undefined;
  readonly cordoned: boolean;
  /** As the kubelet last reported it. */
  readonly bootID: string;
}

/** The computer itself, whatever anybody has reported of it. */
export interface Truth {
  readonly name: string;
  readonly uid: string;
  readonly bootID: string;
  /** The agent's passes of this boot are done. */
  readonly isClean: boolean;
}

export interface Doer {
  readonly user: string;
  /** Of the pod whose token it is. */
  readonly node: string | undefined;
}

export const AGENT_USER = "system:serviceaccount:nodelatch-system:nodelatch-agent";

interface Lock {
  readonly holder: string;
  readonly holderNode: string | undefined;
  readonly release: string;
  readonly bootID: string;
  readonly nodeUID: string;
}

/** Undefined for a value that names nobody. */
function lockIn(value: string): Lock | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch {
    return undefined;
  }
  if (typeof parsed !== "object" || parsed === null || !("acquiredAt" in parsed)) return undefined;
  const fields = new Map<string, unknown>(Object.entries(parsed));
  const text = (name: string): string => {
    const found = fields.get(name);
    return typeof found === "string" ? found : "";
  };
  return {
    holder: text("holder"),
    holderNode: fields.has("holderNode") ? text("holderNode") : undefined,
    release: text("release"),
    bootID: text("bootID"),
    nodeUID: text("nodeUID"),
  };
}

function isHolder({ holder, holderNode }: Lock, { user, node }: Doer): boolean {
  return holder === user && (holderNode === undefined || holderNode === node);
}

/** The sentence of what is wrong with this write, or undefined. */
export function judgeWrite(before: Stored, after: Stored, doer: Doer, truth: Truth): string | undefined {
  const isUncordoned = before.cordoned && !after.cordoned;
  if (after.lock !== undefined && after.lock !== before.lock) {
    const lock = lockIn(after.lock);
    if (lock === undefined) return "a lock was stored that nobody stamped";
    if (!isHolder(lock, doer)) return "a lock was stored in the name of somebody else";
    if (lock.nodeUID !== truth.uid) return "a lock was stamped for another node";
  }
  if (before.lock === undefined || (after.lock === before.lock && !isUncordoned)) return undefined;
  const lock = lockIn(before.lock);
  if (lock === undefined) return "a lock of nobody was ended, changed or uncordoned";
  if (isHolder(lock, doer)) {
    return isUncordoned && after.lock !== undefined ? "a lock stayed on an uncordoned node" : undefined;
  }
  if (doer.user !== AGENT_USER || doer.node !== truth.name) {
    return `the lock of ${lock.holder} was ended, changed or uncordoned by ${doer.user}`;
  }
  if (after.lock !== undefined) return "the agent changed a lock";
  if (lock.release !== "reboot") return "the agent ended a lock that is not its to end";
  if (lock.bootID === truth.bootID) return "the agent ended a lock before the reboot";
  if (before.bootID !== truth.bootID)
    return "the agent ended a lock before the kubelet had reported the boot";
  return truth.isClean ? undefined : "the agent ended a lock before the node was clean";
}

/** What is wrong with a reboot by this tool at this moment, or undefined. */
export function judgeReboot({ lock, cordoned }: Stored, toolUser: string, truth: Truth): string | undefined {
  if (!cordoned) return "a schedulable node was rebooted";
  if (lock === undefined) return "an unlocked node was rebooted";
  const read = lockIn(lock);
  if (read === undefined) return "a node was rebooted under a lock of nobody";
  if (read.holder !== toolUser) return `a node was rebooted under the lock of ${read.holder}`;
  if (read.nodeUID !== truth.uid) return "a node was rebooted under the lock of an earlier one";
  return read.bootID === truth.bootID ? undefined : "a node was rebooted a second time under one lock";
}

/** A tool whose own uncordon is refused exits and starts over for ever. */
export function judgeRefusal(before: Stored, isUncordon: boolean, doer: Doer): string | undefined {
  if (!isUncordon || before.lock === undefined) return undefined;
  const lock = lockIn(before.lock);
  return lock !== undefined && isHolder(lock, doer) ? "a tool was refused its own uncordon" : undefined;
}

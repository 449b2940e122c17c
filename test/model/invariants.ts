/** What must never happen, said without the product's decision functions. */
import type { NodeState, Step, World } from "./node.ts";
import { nowMillis } from "./node.ts";

interface Lock {
  readonly holder: string;
  readonly nodeUID: string;
  readonly bootID: string;
  readonly release: string;
  readonly live: boolean;
}

/** A stamped lock; undefined for none, and for one that names nobody. */
export function stampedLock({ lock }: NodeState, world: World): Lock | undefined {
  let value: unknown;
  try {
    value = JSON.parse(lock ?? "null");
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
    live: expiresAt === "" || Date.parse(expiresAt) > nowMillis(world),
  };
}

/** The broken invariant, or undefined. */
export function broken(before: NodeState, step: Step, world: World): string | undefined {
  const { actor, what, next } = step;
  const lock = stampedLock(before, world);
  if (what === "reboot") {
    if (before.pods) return "a node with pods was rebooted";
    if (!before.cordoned) return "a schedulable node was rebooted";
    if (lock === undefined || !lock.live) return "an unlocked node was rebooted";
    if (lock.bootID !== `boot-${before.boot}`) return "a node was rebooted a second time under one lock";
    if (lock.nodeUID !== `uid-${before.uid}`) return "a node was rebooted under the lock of an earlier one";
  }
  if (before.lock === undefined) return undefined;
  const isTouched = next.lock !== before.lock || !next.exists;
  const isUncordoned = before.cordoned && !next.cordoned;
  if (!isTouched && !isUncordoned) return undefined;
  // A lock of nobody can be broken only by who has the right to, and nobody here has it.
  if (lock === undefined) return "a lock without a holder was ended or uncordoned";
  if (!lock.live) return undefined;
  const isHolder =
    (actor === "tool" && lock.holder === "kured") || (actor === "adversary" && lock.holder === "bob");
  if (isHolder)
    return next.lock !== undefined && isUncordoned ? "a lock stayed on a schedulable node" : undefined;
  if (actor === "agent") {
    if (lock.release !== "reboot") return "the agent ended a lock that is not its to end";
    if (lock.bootID === `boot-${before.reported}`) return "the agent ended a lock before the reboot";
    return undefined;
  }
  return `${actor} ended, changed or uncordoned a lock of ${lock.holder}`;
}

/** Locks that nobody seems to come back to, and what to do about each. Pure. */
import type { GhostRule } from "../../lock/ghost.ts";
import { CALLED } from "../help.ts";
import type { NodeState } from "../status/node-state.ts";
import type { Fact } from "./facts.ts";
import { finding, type Finding } from "./finding.ts";

const CHECK = "ghost-locks";
/** So many are told one by one. */
const MOST_TOLD = 10;

export function judgeGhosts(fact: Fact<readonly NodeState[]>): readonly Finding[] {
  if (fact.kind === "unknown") return [finding("skip", CHECK, fact.why)];
  const ghosts = fact.value.filter(({ ghost }) => ghost.length > 0);
  if (ghosts.length === 0) return [finding("ok", CHECK, "no lock has been left behind")];
  const told = ghosts.slice(0, MOST_TOLD).map(findingOf);
  const rest = ghosts.length - told.length;
  if (rest === 0) return told;
  return [...told, finding("warn", CHECK, `and ${rest} more`, `${CALLED} status --locked -o wide`)];
}

function findingOf({ view, ghost }: NodeState): Finding {
  const text = `${view.name}: ${ghost.map(({ text }) => text).join("; ")}`;
  const [first] = ghost;
  const force = `${CALLED} unlock ${view.name} --force --reason "..."`;
  return finding("warn", CHECK, text, first === undefined ? force : remedyOf(first.rule, view.name, force));
}

function remedyOf(rule: GhostRule, node: string, force: string): string {
  switch (rule) {
    case "expired":
      return `if its work is done: ${force}`;
    case "not-ready":
      return `look at the node; if it is not coming back: ${force}`;
    case "not-released":
      return `${CALLED} history ${node} and the agent's or the tool's log say why; if the node is well: ${force}`;
    case "other-node":
    case "holder-gone":
    case "holder-pod-gone":
      return `nobody is left to end it: ${force}`;
  }
}

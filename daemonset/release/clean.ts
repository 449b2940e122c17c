/** Do the passes after this boot say that the node came back clean? Pure. */
import type { CniEnd } from "../cni/worker.ts";
import type { PassEnd } from "../passes.ts";

export interface PassEnds {
  /** All passes after the boot have been, in this agent's life or before. */
  readonly areBootPassesDone: boolean;
  /** The last ones of this agent. */
  readonly containers: PassEnd | undefined;
  readonly cni: CniEnd | undefined;
}

/** What is kept for want of knowledge: all the rest was judged. */
const UNKNOWN_STATES = ["unrecognized-state", "unrecognized-sandbox", "may-still-run"] as const;

/** Why not, in words; undefined if they do. A pass that is switched off has nothing to say. */
export function uncleanWords({ areBootPassesDone, containers, cni }: PassEnds): string | undefined {
  if (!areBootPassesDone) return "the passes after this boot are under way";
  if (containers === undefined) return "no pass over containers yet";
  if (containers.result !== "read" && containers.result !== "off") {
    return `the last pass over containers ended as ${containers.result}`;
  }
  for (const runtime of containers.report?.runtimes ?? []) {
    if (runtime.kind === "unread") continue;
    const unknown = UNKNOWN_STATES.reduce((sum, why) => sum + (runtime.kept[why] ?? 0), 0);
    if (unknown > 0) return `the state of ${unknown} containers of ${runtime.label} is not known`;
  }
  if (cni === undefined) return "no pass over CNI state yet";
  if (cni.result === "done" || cni.result === "off") return undefined;
  const why = cni.report?.obstacle;
  return `the last pass over CNI state ended as ${cni.result}${why === undefined ? "" : `: ${why}`}`;
}

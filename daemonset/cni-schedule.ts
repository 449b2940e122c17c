/** How passes over CNI state go with those over containers, which decide when the next ones are. */
import type { CniEnd, CniWorker } from "./cni/worker.ts";
import type { PassEnd } from "./passes.ts";

/**
 * After a pass over containers that could read a runtime, or was not to look: without one nothing can be proven, and
 * the next try is seconds away. Undefined if it was not the time.
 */
export async function cniAfter(
  { result }: PassEnd,
  worker: CniWorker,
  signal: AbortSignal,
): Promise<CniEnd | undefined> {
  if (result !== "read" && result !== "partly-read" && result !== "off") return undefined;
  return worker.run(signal);
}

/** Where passes over containers are switched off, the schedule goes by the others. */
export function bothEnds(end: PassEnd, cni: CniEnd | undefined): PassEnd {
  if (end.result !== "off" || cni === undefined) return end;
  switch (cni.result) {
    case "off":
      return end;
    case "done":
      return { ...end, result: "read" };
    case "partly-read":
      return { ...end, result: "partly-read" };
    case "unproven":
    case "failed":
      return { ...end, result: "unread" };
    case "cut":
      return { ...end, result: "cut" };
  }
}

/** The real clock, sleep and randomness. */
import { setTimeout as delay } from "node:timers/promises";
import { steadyMillis } from "../kube/clock-offset.ts";
import type { World } from "./ports.ts";

/**
 * @param clockOffsetMillis The API server's clock minus steadyMillis (KubeConnection.clockOffsetMillis): certificates are judged
 * by its clock, and one replica on a machine with a wrong clock must not call everyone's certificates expired.
 */
export function makeWorld(clockOffsetMillis: () => number): World {
  return {
    clock: {
      wallMillis: () => steadyMillis() + clockOffsetMillis(),
      monotonicMillis: () => performance.now(),
    },
    async sleep(millis, signal) {
      try {
        // ref: false: a pending poll must not keep the process from ending.
        await delay(millis, undefined, { signal, ref: false });
      } catch {
        // Aborted: the caller looks at its signal.
      }
    },
    random: () => Math.random(),
  };
}

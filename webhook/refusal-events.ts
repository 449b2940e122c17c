/**
 * Events `UncordonRefused` on nodes. Posting never delays an answer and never floods the API server: a retry loop may
 * send thousands of uncordons, and each refusal is in the log and the metrics anyway.
 */
import type { RefusedUncordon } from "./guard.ts";

/** held: not written now; a later write of the same Event counts it. */
export type EventResult = "posted" | "held" | "failed" | "rate-limited" | "dropped";

export interface RefusalEventsPorts {
  /** Posts one Event, or holds it back for a later write; rejects if it can't. */
  readonly post: (refused: RefusedUncordon, signal: AbortSignal) => Promise<"posted" | "held">;
  readonly nowMillis: () => number;
  readonly onResult: (result: EventResult, refused: RefusedUncordon, cause?: unknown) => void;
  readonly perMinute: number;
  /** Longest time for one post. Defaults to 5_000. */
  readonly postTimeoutMillis?: number;
}

export interface RefusalEvents {
  /** Returns at once. */
  readonly note: (refused: RefusedUncordon) => void;
  /** Resolves once nothing is under way; for shutdown and tests. */
  readonly idle: () => Promise<void>;
}

/** Waiting Events; beyond it they are dropped and counted, as a slow API server must not grow the heap. */
const LONGEST_QUEUE = 100;

export function createRefusalEvents(ports: RefusalEventsPorts): RefusalEvents {
  const queue: RefusedUncordon[] = [];
  let tokens = ports.perMinute;
  let refilledAtMillis = ports.nowMillis();
  let running: Promise<void> = Promise.resolve();
  let busy = false;

  function takeToken(): boolean {
    const now = ports.nowMillis();
    // The wall clock may step back; a negative refill must not eat tokens.
    const gained = (Math.max(0, now - refilledAtMillis) * ports.perMinute) / 60_000;
    tokens = Math.min(ports.perMinute, tokens + gained);
    refilledAtMillis = now;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  }

  async function drainQueue(): Promise<void> {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      try {
        const result = await ports.post(next, AbortSignal.timeout(ports.postTimeoutMillis ?? 5_000));
        ports.onResult(result, next);
      } catch (cause) {
        ports.onResult("failed", next, cause);
      }
    }
    busy = false;
  }

  return {
    note(refused) {
      if (queue.length >= LONGEST_QUEUE) return ports.onResult("dropped", refused);
      if (!takeToken()) return ports.onResult("rate-limited", refused);
      queue.push(refused);
      if (busy) return;
      busy = true;
      running = drainQueue();
    },
    async idle() {
      await running;
    },
  };
}

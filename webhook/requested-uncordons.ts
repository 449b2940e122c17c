/**
 * Keeps refused uncordons on their nodes: after the answer, one write at a time, and none that would say the same
 * again, as a retry loop may send thousands.
 */
import { EventBudget } from "../kube/event-budget.ts";
import type { KeepOutcome, UncordonToKeep } from "../kube/requested-uncordons.ts";
import { writeRequestedUncordon } from "../lock/requested-uncordon.ts";

/** A refused uncordon, with what stood on the node when it was judged. */
export interface RefusedRequest {
  readonly nodeName: string;
  readonly nodeUID: string;
  readonly username: string;
  readonly groups: readonly string[];
  /** The lock's value. */
  readonly lock: string;
  /** Whose refused uncordon the node carries already. */
  readonly requestedBy: string | undefined;
}

/**
 * gone: the lock or the node was, when it was to be written. limited: this node has had its share. dropped: too many
 * wait, or the sender's name is too long to keep.
 */
export type KeepResult = KeepOutcome | "failed" | "limited" | "dropped";

export interface RequestedUncordonsPorts {
  /** Rejects if it can't be written. */
  readonly keep: (wanted: UncordonToKeep, signal: AbortSignal) => Promise<KeepOutcome>;
  readonly wallMillis: () => number;
  readonly monotonicMillis: () => number;
  readonly onResult: (result: KeepResult, refused: RefusedRequest, cause?: unknown) => void;
  /** Longest time for one write. Defaults to 5_000. */
  readonly writeTimeoutMillis?: number;
}

export interface RequestedUncordons {
  /** Returns at once. */
  readonly note: (refused: RefusedRequest) => void;
  /** Resolves once nothing is under way; for shutdown and tests. */
  readonly idle: () => Promise<void>;
}

/** Nodes that wait for their write; a slow API server must not grow the heap. */
const MOST_WAITING = 1_000;
/**
 * Two senders in a loop would take the annotation from each other for ever. Whose of the two stays matters little: the
 * node is uncordoned for either.
 */
const BUDGET = { burst: 3, refillMillis: 60_000, maxNodes: 1_000 };
/** Reviews that were on their way when the annotation was written do not show it yet. */
const SETTLED_MILLIS = 10_000;

interface Noted {
  readonly refused: RefusedRequest;
  readonly atMillis: number;
}

export function createRequestedUncordons(ports: RequestedUncordonsPorts): RequestedUncordons {
  const waiting = new Map<string, Noted>();
  /** What was taken up last for each node, by its UID, oldest first. */
  const latest = new Map<string, { readonly username: string; readonly atMillis: number }>();
  const budget = new EventBudget(BUDGET);
  let running: Promise<void> = Promise.resolve();
  let busy = false;

  function isTakenUp({ nodeUID, username }: RefusedRequest): boolean {
    const last = latest.get(nodeUID);
    return last?.username === username && ports.monotonicMillis() - last.atMillis < SETTLED_MILLIS;
  }

  function remember({ nodeUID, username }: RefusedRequest): void {
    latest.delete(nodeUID);
    latest.set(nodeUID, { username, atMillis: ports.monotonicMillis() });
    for (const oldest of latest.keys()) {
      if (latest.size <= MOST_WAITING) break;
      latest.delete(oldest);
    }
  }

  async function write({ refused, atMillis }: Noted): Promise<void> {
    const { nodeName, nodeUID, lock } = refused;
    const value = writeRequestedUncordon(refused, atMillis);
    if (value === undefined) return ports.onResult("dropped", refused);
    try {
      const signal = AbortSignal.timeout(ports.writeTimeoutMillis ?? 5_000);
      ports.onResult(await ports.keep({ nodeName, nodeUID, lock, value }, signal), refused);
    } catch (cause) {
      // The sender's next refusal is to be tried at once.
      if (latest.get(nodeUID)?.username === refused.username) latest.delete(nodeUID);
      ports.onResult("failed", refused, cause);
    }
  }

  async function drain(): Promise<void> {
    for (const [uid, noted] of waiting) {
      waiting.delete(uid);
      await write(noted);
    }
    busy = false;
  }

  return {
    note(refused) {
      if (refused.requestedBy === refused.username || isTakenUp(refused)) return;
      if (!waiting.has(refused.nodeUID) && waiting.size >= MOST_WAITING) {
        return ports.onResult("dropped", refused);
      }
      if (!budget.take(refused.nodeName, ports.monotonicMillis())) return ports.onResult("limited", refused);
      remember(refused);
      // In place of an earlier one that still waits: the last to ask is the one that is kept.
      waiting.set(refused.nodeUID, { refused, atMillis: ports.wallMillis() });
      if (busy) return;
      busy = true;
      running = drain();
    },
    async idle() {
      await running;
    },
  };
}

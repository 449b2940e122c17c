/** A closed loop: each connection sends its next request as soon as the last one is answered. */
import type { Answer } from "./answer.ts";
import type { Connection } from "./connection.ts";

/** What one connection sends; checked, so that no error is measured as a fast answer. */
export interface Requests {
  next(): Uint8Array;
  /** @throws Error if it is not the answer to the last `next()`. */
  check(answer: Answer): void;
}

export interface Client {
  readonly connection: Connection;
  readonly requests: Requests;
}

export interface LoopLimits {
  /** Requests of all clients together. */
  readonly mostRequests: number;
  /** No request starts later. */
  readonly mostMillis: number;
  readonly signal: AbortSignal;
}

export interface LoopResult {
  readonly latenciesMillis: readonly number[];
  readonly elapsedMillis: number;
}

/** Rejects with the first failure of any client; the others end with their current request. */
export async function closedLoop(clients: readonly Client[], limits: LoopLimits): Promise<LoopResult> {
  const { mostRequests, mostMillis, signal } = limits;
  const latenciesMillis: number[] = [];
  let started = 0;
  const failed = new AbortController();
  const beginMillis = performance.now();

  async function work({ connection, requests }: Client): Promise<void> {
    while (started < mostRequests && !failed.signal.aborted) {
      signal.throwIfAborted();
      const sentMillis = performance.now();
      if (sentMillis - beginMillis >= mostMillis) return;
      started += 1;
      const answer = await connection.send(requests.next());
      latenciesMillis.push(performance.now() - sentMillis);
      requests.check(answer);
    }
  }

  await Promise.all(
    clients.map(async (client) => {
      try {
        await work(client);
      } catch (cause) {
        failed.abort();
        throw cause;
      }
    }),
  );
  return { latenciesMillis, elapsedMillis: performance.now() - beginMillis };
}

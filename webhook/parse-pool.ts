/**
 * Parses reviews: small ones at once, large ones in a worker thread, so that a hostile or huge body never holds up
 * the answers to others. Only the reduced review crosses back.
 */
import { parseReview, type ParsedReview } from "./parse-review.ts";
import { createParseThread, type Job, type ParseThreadOptions } from "./parse-thread.ts";
import { uidNear } from "./uid-near.ts";

export interface ParsePoolOptions extends ParseThreadOptions {
  /**
   * Bodies of at least this many bytes go to the worker. Defaults to 65_536: measured with Node 24 on one EPYC core,
   * the worst 64 KiB (brackets only) hold the loop for 3.5 ms, the worst 256 KiB for 14 to 20 ms and the worst 7 MiB
   * for 1.06 s; two 10 kB Nodes take 0.1 ms, and crossing to the worker and back takes 0.2 ms.
   */
  readonly workerFromBytes?: number;
  /** Reviews waiting for the worker; more are turned away as overload. Defaults to 16 (x 7 MiB of memory). */
  readonly maxWaiting?: number;
}

export type PoolResult =
  | { readonly kind: "parsed"; readonly parsed: ParsedReview }
  /** Too many large bodies wait already: to be asked again. */
  | { readonly kind: "overloaded" }
  /** `signal` fired first. `uid` here and below: as far as it could be seen, or "". */
  | { readonly kind: "aborted"; readonly uid: string }
  /** The worker took too long, ran out of memory or died; it has been replaced. */
  | { readonly kind: "failed"; readonly uid: string; readonly cause: Error };

export interface ParsePool {
  /** Small bodies are answered with the value itself, without a promise in between. */
  parse(body: Uint8Array, signal: AbortSignal): PoolResult | Promise<PoolResult>;
  /** Ends the worker; what still waits is answered `failed`. */
  close(): Promise<void>;
}

export function createParsePool(options: ParsePoolOptions = {}): ParsePool {
  const workerFromBytes = options.workerFromBytes ?? 65_536;
  const maxWaiting = options.maxWaiting ?? 16;
  const thread = createParseThread(options);
  return {
    parse(body, signal) {
      if (body.length < workerFromBytes)
        return { kind: "parsed", parsed: parseReview(body, options.watched) };
      if (thread.waiting() >= maxWaiting) return { kind: "overloaded" };
      // Read now: the memory itself moves to the worker.
      const uid = uidNear(body);
      if (signal.aborted) return { kind: "aborted", uid };
      return new Promise((resolve) => {
        const onAbort = (): void => {
          thread.forget(job);
          resolve({ kind: "aborted", uid });
        };
        const job: Job = {
          body,
          settle(result) {
            signal.removeEventListener("abort", onAbort);
            resolve(result.kind === "failed" ? { ...result, uid } : result);
          },
        };
        signal.addEventListener("abort", onAbort, { once: true });
        thread.push(job);
      });
    },
    close: () => thread.close(),
  };
}

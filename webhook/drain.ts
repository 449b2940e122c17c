/** The orderly end of a server: seen as not ready, then serving on while callers move away, then closed. */
import type { Logger } from "pino";
import type { Check } from "../program/check.ts";

/** A server that can leave. Each step is called once, in this order. */
export interface Drainable {
  /** From now on each answer carries `Connection: close`, so callers come back through the Service. */
  sendAway(): void;
  /** No more connections; new requests on open ones are answered 503 with `Retry-After`. Idle ones are closed. */
  stopAccepting(): void;
  /** True when nothing is being answered any more, false when `signal` fired first. */
  whenIdle(signal: AbortSignal): Promise<boolean>;
  /** Closes what is left; the number of requests that were still being answered. */
  cut(): Promise<number>;
}

export interface DrainOptions {
  readonly server: Drainable;
  readonly log: Logger;
  /**
   * How long serving goes on after the start. Defaults to 15_000: endpoints leave kube-proxy within seconds, but the
   * API server keeps its open connections to a terminating pod (kubernetes#127335), and closing them at once fails
   * calls on their way (knative/pkg#1509).
   */
  readonly drainMillis?: number;
  /** Then, how long requests in flight may take. Defaults to 12_000: longer than any has as its deadline. */
  readonly graceMillis?: number;
  /**
   * Connections that were opened and not used yet look busy to node:http; after the last answer they get this long
   * for a request that is on its way, which is answered 503. Defaults to 500.
   */
  readonly unusedMillis?: number;
}

export interface Drained {
  /** Requests that were cut off, 0 in good order. */
  readonly cutRequests: number;
}

export interface Drain {
  /** Fails from the moment `start` is called. */
  readonly readiness: Check;
  /** Idempotent: every call gets the first one's promise. `hurry` skips what is left of the waiting. */
  start(hurry?: AbortSignal): Promise<Drained>;
}

export function createDrain(options: DrainOptions): Drain {
  const { server, log, drainMillis = 15_000, graceMillis = 12_000, unusedMillis = 500 } = options;
  let running: Promise<Drained> | undefined;

  async function run(hurry: AbortSignal): Promise<Drained> {
    log.info({ drainMillis, graceMillis }, "draining: not ready, serving on");
    server.sendAway();
    await pause(drainMillis, hurry);
    server.stopAccepting();
    const idle = await server.whenIdle(AbortSignal.any([hurry, AbortSignal.timeout(graceMillis)]));
    if (idle) await pause(Math.min(unusedMillis, graceMillis), hurry);
    const cutRequests = await server.cut();
    if (cutRequests > 0) log.warn({ cutRequests, graceMillis }, "drained: requests were cut off");
    else log.info("drained");
    return { cutRequests };
  }

  return {
    readiness: {
      name: "shutdown",
      check: () =>
        running === undefined ? { ok: true, detail: "serving" } : { ok: false, detail: "shutting down" },
    },
    start(hurry = new AbortController().signal) {
      running ??= run(hurry);
      return running;
    },
  };
}

/** Ends early, without an error, when `signal` fires. Holds the process: an orderly end must not be cut short. */
function pause(millis: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, millis);
    signal.addEventListener("abort", end, { once: true });
  });
}

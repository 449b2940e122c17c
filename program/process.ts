/** What every program does with its process: signals to stop, and an end after an error that nobody caught. */
import type { Logger } from "pino";

export interface StopSignals {
  /** After the first SIGTERM or SIGINT. */
  readonly stop: AbortSignal;
  /** After the second: a person who has no patience. */
  readonly hurry: AbortSignal;
}

/** Hears SIGTERM and SIGINT from now on. Call it once. */
export function stopSignals(log: Logger): StopSignals {
  const stop = new AbortController();
  const hurry = new AbortController();
  for (const name of ["SIGTERM", "SIGINT"] as const) {
    process.on(name, () => {
      if (stop.signal.aborted) hurry.abort();
      log.info({ signal: name }, "stopping");
      stop.abort();
    });
  }
  return { stop: stop.signal, hurry: hurry.signal };
}

/** Logs and exits with 1: after it nobody knows what state the process is in, and kubelet starts it again. */
export function exitOnUncaught(log: Logger): void {
  process.on("uncaughtException", (err) => {
    log.fatal({ err }, "uncaught exception");
    process.exit(1);
  });
}

/** The state of the shutdown guard in a line, for `/readyz?verbose`. */
import type { ShutdownState } from "./guard.ts";
import type { PrepareOutcome } from "./prepare.ts";

export function shutdownWords(state: ShutdownState): string {
  const parts = [lockWords(state), busWords(state)];
  if (state.announced) parts.push("a shutdown is announced");
  if (state.last !== undefined) parts.push(outcomeWords(state.last));
  return parts.join("; ");
}

function lockWords({ lock }: ShutdownState): string {
  switch (lock.kind) {
    case "held":
      return "shutdown lock held";
    case "taking":
      return "taking the shutdown lock";
    case "releasing":
      return "letting go of the shutdown lock";
    case "released":
      return "shutdown lock let go";
    case "not-held":
      return `shutdown lock not held, tried ${lock.failures} times: ${lock.reason}`;
  }
}

function busWords({ bus, delayMaxMillis }: ShutdownState): string {
  switch (bus.kind) {
    case "connecting":
      return "connecting to the system bus";
    case "watching":
      return delayMaxMillis === undefined
        ? "watching logind"
        : `watching logind, which grants ${delayMaxMillis / 1_000} s`;
    case "no-logind":
      return "logind is not on the system bus";
    case "no-bus":
      return `no connection to logind, tried ${bus.failures} times: ${bus.reason}`;
  }
}

function outcomeWords(last: PrepareOutcome): string {
  const time = `${(last.tookMillis / 1_000).toFixed(1)} of ${last.budgetMillis / 1_000} s`;
  switch (last.kind) {
    case "done":
      return `last cleaned up in ${time}`;
    case "failed":
      return `last clean-up failed after ${time}: ${last.reason}`;
    case "out-of-time":
      return `last clean-up was not done after ${time}`;
    case "cancelled":
      return `last clean-up was stopped after ${time}, as the shutdown was cancelled`;
    case "no-time":
      return "last shutdown left no time to clean up";
  }
}

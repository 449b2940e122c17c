import { expect, test } from "vitest";
import type { ShutdownState } from "./guard.ts";
import { shutdownWords } from "./words.ts";

const quiet: ShutdownState = {
  lock: { kind: "held", sinceMillis: 5 },
  bus: { kind: "watching" },
  announced: false,
  delayMaxMillis: 5_000,
  last: undefined,
};

test.each<[string, Partial<ShutdownState>, string]>([
  ["all is well", {}, "shutdown lock held; watching logind, which grants 5 s"],
  [
    "no systemd on this node",
    {
      lock: { kind: "not-held", reason: "chroot is not there", failures: 3 },
      bus: { kind: "no-bus", reason: "connect ENOENT", failures: 4 },
      delayMaxMillis: undefined,
    },
    "shutdown lock not held, tried 3 times: chroot is not there; no connection to logind, tried 4 times: connect ENOENT",
  ],
  [
    "the beginning",
    { lock: { kind: "taking" }, bus: { kind: "connecting" }, delayMaxMillis: undefined },
    "taking the shutdown lock; connecting to the system bus",
  ],
  [
    "during a shutdown",
    { lock: { kind: "releasing" }, announced: true },
    "letting go of the shutdown lock; watching logind, which grants 5 s; a shutdown is announced",
  ],
  [
    "after one that was too long",
    {
      lock: { kind: "released" },
      bus: { kind: "no-logind" },
      last: { kind: "out-of-time", budgetMillis: 4_000, tookMillis: 4_003 },
    },
    "shutdown lock let go; logind is not on the system bus; last clean-up was not done after 4.0 of 4 s",
  ],
  [
    "after one that failed",
    { last: { kind: "failed", reason: "runtime is gone", budgetMillis: 4_000, tookMillis: 120 } },
    "shutdown lock held; watching logind, which grants 5 s; last clean-up failed after 0.1 of 4 s: runtime is gone",
  ],
])("%s", (_what, change, words) => {
  expect(shutdownWords({ ...quiet, ...change })).toBe(words);
});

/** Keeps logind's delay lock while it is wanted: takes it, and takes it again whenever it is lost. */
import { aborted } from "../../../program/aborted.ts";
import type { Logger } from "pino";
import { backoffMillis } from "../../../program/backoff.ts";
import { reasonOf } from "../reason.ts";
import type { Time } from "../time.ts";
import type { LockChild, LockSpawner } from "./lock-child.ts";

export type LockState =
  | { readonly kind: "held"; readonly sinceMillis: number }
  | { readonly kind: "taking" }
  /** Wanted, but not to be had, e.g. without systemd; tried again after ever longer waits. */
  | { readonly kind: "not-held"; readonly reason: string; readonly failures: number }
  | { readonly kind: "releasing" }
  /** Let go on purpose, so that the shutdown goes on. */
  | { readonly kind: "released" };

export interface InhibitorOptions {
  readonly spawn: LockSpawner;
  readonly time: Time;
  readonly log: Logger;
}

export interface Inhibitor {
  /** Works until the signal aborts, then lets go; never rejects. Call it once. */
  run(signal: AbortSignal): Promise<void>;
  state(): LockState;
  /** Lets go, and stays so until `take`. Resolves when the lock is gone, within about 300 ms. Never rejects. */
  letGo(): Promise<void>;
  /** Wants the lock (again). */
  take(): void;
  /** The lock that the child seems to hold is known to be gone: takes a new one. */
  renew(): void;
  /** Something changed that may make taking it work now: cuts a long wait short, to not less than a second. */
  hurry(): void;
}

const RETRY = { firstMillis: 1_000, maxMillis: 300_000 };
/** A lock kept for less is a failure too, or a child that dies at once would be started each second for ever. */
const STEADY_MILLIS = 60_000;
const HURRIED_MILLIS = 1_000;

export function makeInhibitor(options: InhibitorOptions): Inhibitor {
  const { time, log } = options;
  let wanted = true;
  let state: LockState = { kind: "taking" };
  let child: LockChild | undefined;
  /** Why the child was told to end; undefined when it ends by itself. */
  let endedFor: "let go" | "renewal" | undefined;
  let wake = new AbortController();
  let failures = 0;
  let told: string | undefined;

  function failed(reason: string): void {
    failures += 1;
    state = { kind: "not-held", reason, failures };
    if (reason !== told) log.warn({ reason }, "shutdown lock is not held; retrying");
    told = reason;
  }

  /** One life of a child, from start to end. */
  async function holdOnce(): Promise<void> {
    state = { kind: "taking" };
    let mine: LockChild;
    try {
      mine = options.spawn();
    } catch (error) {
      failed(reasonOf(error));
      return;
    }
    child = mine;
    endedFor = undefined;
    const refused = await mine.taken;
    const sinceMillis = time.monotonicMillis();
    if (refused === undefined && endedFor === undefined) {
      state = { kind: "held", sinceMillis };
      told = undefined;
      log.info("shutdown lock is held");
    }
    const last = await mine.ended;
    child = undefined;
    if (endedFor === "let go") return;
    if (refused === undefined && time.monotonicMillis() - sinceMillis >= STEADY_MILLIS) failures = 0;
    failed(endedFor === "renewal" ? "logind does not list the lock any more" : (refused ?? last));
  }

  function end(reason: "let go" | "renewal"): void {
    endedFor = reason;
    child?.release();
  }

  async function waitForChange(signal: AbortSignal): Promise<void> {
    const ends = AbortSignal.any([signal, wake.signal]);
    if (!wanted) {
      state = { kind: "released" };
      await aborted(ends);
    } else {
      const waitMillis = backoffMillis(failures, RETRY, time.random());
      const least = Math.min(waitMillis, HURRIED_MILLIS);
      // Not to be cut short: whoever hurries may do so for each of a storm of events.
      await time.sleep(least, signal);
      await time.sleep(waitMillis - least, ends);
    }
  }

  return {
    state: () => state,
    async run(signal) {
      const stop = (): void => end("let go");
      signal.addEventListener("abort", stop);
      while (!signal.aborted) {
        wake = new AbortController();
        if (wanted) await holdOnce();
        if (!signal.aborted && (!wanted || state.kind === "not-held")) await waitForChange(signal);
      }
      signal.removeEventListener("abort", stop);
      state = { kind: "released" };
    },
    async letGo() {
      wanted = false;
      wake.abort();
      if (child === undefined) return;
      state = { kind: "releasing" };
      const { ended } = child;
      end("let go");
      await ended;
    },
    take() {
      if (wanted) return;
      wanted = true;
      failures = 0;
      wake.abort();
    },
    renew() {
      if (state.kind === "held") end("renewal");
    },
    hurry() {
      wake.abort();
    },
  };
}

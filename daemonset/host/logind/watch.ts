/** Stays on the system bus and listens to logind, through restarts of either. */
import type { Logger } from "pino";
import { backoffMillis } from "../../../program/backoff.ts";
import { reasonOf } from "../reason.ts";
import type { Time } from "../time.ts";
import type { BusConnection, BusConnector, BusSignal } from "./bus.ts";
import { logindOwner, newsIn, shutdownMatches } from "./logind.ts";

export type WatchState =
  | { readonly kind: "connecting" }
  | { readonly kind: "watching" }
  /** There is a bus, but no logind on it; its coming is told by the bus. */
  | { readonly kind: "no-logind" }
  | { readonly kind: "no-bus"; readonly reason: string; readonly failures: number };

export interface WatchOptions {
  readonly connect: BusConnector;
  readonly time: Time;
  readonly log: Logger;
  /** logind announced a shutdown (true) or took it back (false). */
  readonly onShutdown: (preparing: boolean) => void;
  /**
   * logind is there, again or still: look at what it says now, as signals may have been missed. Called after every
   * connect, after a restart of logind, and every few minutes. A rejection ends the connection.
   */
  readonly onLogind: (bus: BusConnection, signal: AbortSignal) => Promise<void>;
}

export interface LogindWatch {
  /** Works until the signal aborts; never rejects. Call it once. */
  run(signal: AbortSignal): Promise<void>;
  state(): WatchState;
  /** The connection, while there is one. */
  connection(): BusConnection | undefined;
}

/** A bus that restarts is back within a second; where there is none, five minutes are soon enough. */
const RETRY = { firstMillis: 500, maxMillis: 300_000 };
/** For connecting and for each look: logind itself gives a call 25 s, but a second is long already. */
const ANSWER_MILLIS = 5_000;
/** Between looks when nothing happens: notices a bus that hangs, and a lock that got lost. */
const LOOK_MILLIS = 300_000;
/** A connection kept for less counts as a failure: a bus that ends each at once is not asked twice a second. */
const STEADY_MILLIS = 60_000;

export function makeLogindWatch(options: WatchOptions): LogindWatch {
  const { time, log } = options;
  let state: WatchState = { kind: "connecting" };
  let connection: BusConnection | undefined;

  /** One connection, from start to end. Resolves with why it ended. */
  async function stay(signal: AbortSignal): Promise<string> {
    let owner: string | undefined;
    let changed = new AbortController();
    function onSignal(received: BusSignal): void {
      const news = newsIn(received);
      if (news?.kind === "owner") {
        owner = news.owner;
        state = { kind: owner === undefined ? "no-logind" : "watching" };
        changed.abort();
      } else if (news?.kind === "shutdown") {
        // Anyone may send such a signal to this connection alone; match rules do not hold those back.
        if (news.sender === owner) options.onShutdown(news.preparing);
        else log.warn({ sender: news.sender }, "ignored an announcement that is not logind's");
      }
    }
    const bus = await inTime(time, signal, async (soon) => options.connect(onSignal, soon));
    try {
      const ends = AbortSignal.any([signal, bus.closed]);
      for (const rule of shutdownMatches) await inTime(time, ends, async (soon) => bus.match(rule, soon));
      owner = await inTime(time, ends, async (soon) => logindOwner(bus, soon));
      connection = bus;
      while (!ends.aborted) {
        changed = new AbortController();
        state = { kind: owner === undefined ? "no-logind" : "watching" };
        if (owner !== undefined) await inTime(time, ends, async (soon) => options.onLogind(bus, soon));
        const waitMillis = LOOK_MILLIS * (0.9 + 0.2 * time.random());
        await time.sleep(waitMillis, AbortSignal.any([ends, changed.signal]));
      }
      return reasonOf(bus.closed.reason);
    } finally {
      connection = undefined;
      bus.close();
    }
  }

  return {
    state: () => state,
    connection: () => (connection?.closed.aborted === false ? connection : undefined),
    async run(signal) {
      let failures = 0;
      let told: string | undefined;
      while (!signal.aborted) {
        const startMillis = time.monotonicMillis();
        let reason: string;
        try {
          reason = await stay(signal);
        } catch (error) {
          reason = reasonOf(error);
        }
        if (signal.aborted) break;
        if (time.monotonicMillis() - startMillis >= STEADY_MILLIS) {
          failures = 0;
          told = undefined;
        }
        failures += 1;
        state = { kind: "no-bus", reason, failures };
        if (reason !== told) log.warn({ reason }, "no connection to logind; retrying");
        told = reason;
        await time.sleep(backoffMillis(failures, RETRY, time.random()), signal);
      }
      state = { kind: "connecting" };
    },
  };
}

/** Does it, with a signal that aborts at the deadline or with `ends`. Rejects then even if it does not listen. */
async function inTime<Value>(
  time: Time,
  ends: AbortSignal,
  act: (soon: AbortSignal) => Promise<Value>,
): Promise<Value> {
  const over = new AbortController();
  const settled = new AbortController();
  async function deadline(): Promise<never> {
    await time.sleep(ANSWER_MILLIS, AbortSignal.any([ends, settled.signal]));
    const late = new Error(`no answer within ${ANSWER_MILLIS} ms`);
    const why: unknown = ends.aborted ? ends.reason : late;
    over.abort(why);
    throw why instanceof Error ? why : late;
  }
  try {
    return await Promise.race([act(over.signal), deadline()]);
  } finally {
    settled.abort();
  }
}

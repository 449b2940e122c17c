/** Takes Events and brings them to the API server when it can be reached, however long that takes. */
import type { Logger } from "pino";
import { announce, type AgentEvent } from "./containers/announce.ts";
import { backoffMillis } from "../program/backoff.ts";
import { reasonOf } from "./host/reason.ts";
import type { Time } from "./host/time.ts";
import type { NodeReading, Release, ReleaseApi } from "./release/release.ts";

/** The API server as far as the agent needs it. */
export interface AgentApi extends ReleaseApi {
  /** The agent's own Node; undefined if it may not be read or is gone. @throws Error if there is no answer. */
  readNode(signal: AbortSignal): Promise<NodeReading | undefined>;
  /** @throws Error if the Event was not written. */
  post(event: AgentEvent, nodeUID: string, signal: AbortSignal): Promise<unknown>;
  /** Sets an annotation of the agent's own Node, unless it has that value. @throws Error if it was not written. */
  annotate(key: string, value: string, signal: AbortSignal): Promise<unknown>;
  close(): Promise<void>;
}

export type PublisherState =
  | { readonly kind: "connecting" }
  | { readonly kind: "reached" }
  | { readonly kind: "away"; readonly reason: string; readonly failures: number };

export interface PublisherOptions {
  /** Rejects if there are no credentials, for one. */
  readonly connect: () => Promise<AgentApi>;
  readonly onResult: (result: EventResult) => void;
  /** Sees each Node that is read. */
  readonly onNode: Release["look"];
  readonly time: Time;
  readonly log: Logger;
}

/** lost: too many waited. */
export const EVENT_RESULTS = ["posted", "failed", "lost"] as const;
export type EventResult = (typeof EVENT_RESULTS)[number];

export interface Publisher {
  /** Returns at once. Of too many the oldest are lost. */
  offer(events: readonly AgentEvent[]): void;
  /** Returns at once. Of several values for a key the last is written, and only if it is another than before. */
  annotate(key: string, value: string): void;
  /** Works until the signal aborts; never rejects. Call it once. */
  run(signal: AbortSignal): Promise<void>;
  state(): PublisherState;
}

const RETRY = { firstMillis: 5_000, maxMillis: 300_000 };
/** While a lock waits to be released. */
const URGENT_RETRY = { firstMillis: 5_000, maxMillis: 60_000 };
/** While there is nothing to post: is the API server still there? */
const QUIET_MILLIS = 900_000;
export const MOST_WAITING = 50;

export function makePublisher(options: PublisherOptions): Publisher {
  const { time, log, onResult } = options;
  let waiting: readonly AgentEvent[] = [];
  const wanted = new Map<string, string>();
  const written = new Map<string, string>();
  let state: PublisherState = { kind: "connecting" };
  let wake = new AbortController();
  let api: AgentApi | undefined;
  let lookAgainMillis: number | undefined;

  async function visit(signal: AbortSignal): Promise<void> {
    api ??= await options.connect();
    const node = await api.readNode(signal);
    if (state.kind === "away") log.info("API server is reached again");
    state = { kind: "reached" };
    // First, as its write holds only for the node as it was just read.
    lookAgainMillis = node === undefined ? undefined : await options.onNode(api, node, signal);
    await annotateAll(api, signal);
    await postAll(api, node?.uid ?? "", signal);
  }

  async function annotateAll(server: AgentApi, signal: AbortSignal): Promise<void> {
    for (const [key, value] of wanted) {
      if (written.get(key) === value) continue;
      try {
        await server.annotate(key, value, signal);
        written.set(key, value);
      } catch (err) {
        // Events shall come whatever becomes of it; the next visit tries again.
        log.warn({ err, key }, "annotation not written");
      }
    }
  }

  async function postAll(server: AgentApi, nodeUID: string, signal: AbortSignal): Promise<void> {
    const batch = waiting;
    const results: ("posted" | "failed" | "dropped")[] = [];
    let failure: unknown;
    await announce(
      batch,
      {
        post: async (event, until) => server.post(event, nodeUID, until),
        onResult: (result, cause) => {
          results.push(result);
          if (result === "failed") failure = cause;
        },
      },
      signal,
    );
    for (const result of results) if (result !== "dropped") onResult(result);
    const posted = new Set(batch.filter((_event, index) => results[index] === "posted"));
    waiting = waiting.filter((event) => !posted.has(event));
    if (failure !== undefined) throw failure;
  }

  function away(thrown: unknown): number {
    const reason = reasonOf(thrown);
    const failures = state.kind === "away" ? state.failures + 1 : 1;
    // Days without a network are one line.
    if (state.kind !== "away") log.warn({ err: thrown }, "API server is not reached; retrying");
    state = { kind: "away", reason, failures };
    return failures;
  }

  return {
    offer(events) {
      if (events.length === 0) return;
      const all = [...waiting, ...events];
      waiting = all.slice(-MOST_WAITING);
      for (let lost = all.length - waiting.length; lost > 0; lost -= 1) onResult("lost");
      wake.abort();
    },
    annotate(key, value) {
      if (wanted.get(key) === value) return;
      wanted.set(key, value);
      wake.abort();
    },
    async run(signal) {
      while (!signal.aborted) {
        wake = new AbortController();
        let pauseMillis = QUIET_MILLIS * (0.9 + 0.2 * time.random());
        // What fails is retried in its own time, whatever else is offered meanwhile.
        let until = AbortSignal.any([signal, wake.signal]);
        try {
          await visit(signal);
          pauseMillis = Math.min(pauseMillis, lookAgainMillis ?? pauseMillis);
        } catch (thrown) {
          const retry = lookAgainMillis === undefined ? RETRY : URGENT_RETRY;
          pauseMillis = backoffMillis(away(thrown), retry, time.random());
          until = signal;
        }
        await time.sleep(pauseMillis, until);
      }
      await api?.close();
    },
    state: () => state,
  };
}

/**
 * Ends the reboot lock of the agent's own node once the reboot is proven. It looks at each Node that the publisher reads
 * anyway, and asks for more only while such a lock waits.
 */
import type { Logger } from "pino";
import { lockOn } from "../../lock/record.ts";
import { oneLine } from "../../lock/request.ts";
import { shorten } from "../../lock/shorten.ts";
import { backoffMillis } from "../../program/backoff.ts";
import type { AgentEvent } from "../containers/announce.ts";
import type { BootIDRead } from "../host/boot/boot-id.ts";
import { reasonOf } from "../host/reason.ts";
import { decideRelease, type ReleaseVerdict } from "./decide.ts";
import { parseOwnNode, type OwnNode } from "./parse.ts";

/** One write that removes the lock, and only from the node as it was read. */
export interface ReleaseWrite {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly uncordon: boolean;
}

export type ReleaseResult =
  /** `cordoned`: what the node is now. */
  | { readonly kind: "released"; readonly cordoned: boolean }
  /** The node has changed since it was read. */
  | { readonly kind: "conflict" };

/** The API server as far as this needs it. */
export interface ReleaseApi {
  /** @throws Error if the lock was not removed, or nobody knows. */
  release(write: ReleaseWrite, signal: AbortSignal): Promise<ReleaseResult>;
}

/** The agent's own Node as it was read. */
export interface NodeReading {
  readonly uid: string;
  readonly raw: unknown;
  /** By the API server's clock, in epoch milliseconds. */
  readonly atMillis: number;
}

export interface ReleaseOptions {
  readonly bootID: BootIDRead;
  /** Milliseconds since this boot began. Rejects if that can't be read. */
  readonly readBootAge: () => Promise<number>;
  /** Why the passes do not say yet that the node came back clean; undefined if they do. */
  readonly unclean: () => string | undefined;
  readonly offer: (events: readonly AgentEvent[]) => void;
  readonly random: () => number;
  readonly log: Logger;
}

export type ReleaseState =
  | { readonly kind: "not-looked" }
  | Exclude<ReleaseVerdict, { readonly kind: "release" }>
  | { readonly kind: "failing"; readonly reason: string; readonly failures: number }
  | { readonly kind: "released"; readonly words: string };

export interface Release {
  /** Milliseconds until it wants to see the Node again; undefined: no sooner than others do. Never rejects. */
  look(api: ReleaseApi, reading: NodeReading, signal: AbortSignal): Promise<number | undefined>;
  state(): ReleaseState;
  /** How many locks it has ended. */
  released(): number;
}

/** While a lock waits for what follows a reboot, or the write fails. */
const WAIT = { firstMillis: 5_000, maxMillis: 60_000 };
/** A heartbeat of the kubelet came between: the next try is a matter of a moment. */
const CONFLICT_MILLIS = 1_000;
const MOST_QUICK_TRIES = 5;

export function makeRelease(options: ReleaseOptions): Release {
  const { log } = options;
  let state: ReleaseState = { kind: "not-looked" };
  let looks = 0;
  let conflicts = 0;
  let count = 0;

  async function judge({ raw, atMillis }: NodeReading): Promise<{ node: OwnNode; verdict: ReleaseVerdict }> {
    const node = parseOwnNode(raw);
    if (lockOn(node.view) === undefined) return { node, verdict: { kind: "not-locked" } };
    const bootBeganMillis = atMillis - (await options.readBootAge());
    const { bootID } = options;
    return { node, verdict: decideRelease({ node, bootID, bootBeganMillis, unclean: options.unclean() }) };
  }

  function again(): number {
    looks += 1;
    return backoffMillis(looks, WAIT, options.random());
  }

  /** One line for each new state, however long it lasts. */
  function become(next: ReleaseState): void {
    if (releaseWords(next) !== releaseWords(state)) {
      if (next.kind === "waiting" || next.kind === "left")
        log.info({ reason: next.reason }, "reboot lock not released");
    }
    state = next;
  }

  async function act(
    api: ReleaseApi,
    node: OwnNode,
    { record, uncordon }: ReleaseVerdict & { kind: "release" },
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const { resourceVersion } = node;
    const result = await api.release({ uid: node.view.uid, resourceVersion, uncordon }, signal);
    if (result.kind === "conflict") {
      conflicts += 1;
      if (conflicts <= MOST_QUICK_TRIES) return CONFLICT_MILLIS * (0.5 + 0.5 * options.random());
      return again();
    }
    const { holder, reason, acquiredAt } = record;
    const now = result.cordoned ? "still cordoned" : "no longer cordoned";
    const whose = shorten(oneLine(`${holder} (${reason})`), 200);
    const words = `released the reboot lock of ${whose} from ${acquiredAt}, as the node has rebooted; it is ${now}`;
    state = { kind: "released", words };
    count += 1;
    looks = 0;
    conflicts = 0;
    log.info(
      { holder, acquiredAt, wasBootID: record.bootID, cordoned: result.cordoned },
      "reboot lock released",
    );
    options.offer([{ type: "Normal", reason: "LockReleased", message: words }]);
    return undefined;
  }

  return {
    async look(api, reading, signal) {
      try {
        const { node, verdict } = await judge(reading);
        if (verdict.kind === "release") return await act(api, node, verdict, signal);
        // What it has released is worth telling until there is another lock.
        if (verdict.kind !== "not-locked" || state.kind !== "released") become(verdict);
        conflicts = 0;
        if (verdict.kind === "waiting") return again();
        looks = 0;
        return undefined;
      } catch (err) {
        const failures = state.kind === "failing" ? state.failures + 1 : 1;
        if (failures === 1 && !signal.aborted) log.warn({ err }, "reboot lock not released; retrying");
        state = { kind: "failing", reason: reasonOf(err), failures };
        return again();
      }
    },
    state: () => state,
    released: () => count,
  };
}

/** For /readyz?verbose. */
export function releaseWords(state: ReleaseState | undefined): string {
  switch (state?.kind) {
    case undefined:
      return "not done, as the API is switched off";
    case "not-looked":
      return "the node was not read yet";
    case "not-locked":
      return "no reboot lock";
    case "left":
      return `the reboot lock stays: ${state.reason}`;
    case "waiting":
      return `the reboot lock waits: ${state.reason}`;
    case "failing":
      return `tried ${state.failures} times in vain: ${state.reason}`;
    case "released":
      return state.words;
  }
}

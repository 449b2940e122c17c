/** What certs/ needs from the world. */

export interface Clock {
  /** Time of day as the API server sees it, if that is known: it is the one that judges our certificates. */
  wallMillis(): number;
  /** Never jumps; only differences mean something. */
  monotonicMillis(): number;
}

/** Resolves after the time, or as soon as the signal aborts; never rejects. */
export type Sleep = (millis: number, signal: AbortSignal) => Promise<void>;

export interface World {
  readonly clock: Clock;
  readonly sleep: Sleep;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
}

/** A connection to the system bus, as far as the agent needs one. */

export interface BusSignal {
  /** Unique name (`:1.7`) of who sent it, set by the bus. */
  readonly sender: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly body: readonly unknown[];
}

/** A method of an object of a service. */
export interface BusTarget {
  readonly service: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
}

export interface BusConnection {
  /**
   * Calls a method. Rejects with the bus's error, when the connection ends, or when `signal` aborts.
   * @param texts the arguments; all that is called takes strings alone.
   * @returns the one value of the answer, undefined for none: 64-bit integers as bigint, variants unwrapped.
   */
  call(target: BusTarget, texts: readonly string[], signal: AbortSignal): Promise<unknown>;
  /**
   * Asks the bus for the signals that match `rule` (D-Bus specification, "Match Rules"); they come to `onSignal`.
   * A signal sent to this connection alone comes without being asked for, from anyone: look at the sender.
   */
  match(rule: string, signal: AbortSignal): Promise<void>;
  /** Aborts when the connection is gone, whoever ended it; `reason` says why. */
  readonly closed: AbortSignal;
  close(): void;
}

/** Rejects when there is no bus, it refuses, or `signal` aborts. */
export type BusConnector = (
  onSignal: (signal: BusSignal) => void,
  signal: AbortSignal,
) => Promise<BusConnection>;

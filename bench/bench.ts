/** What a bench is to `main.ts`. */

export interface BenchContext {
  readonly log: (line: string) => void;
  /** Fires on SIGINT and SIGTERM; a bench then ends what it started and rejects. */
  readonly signal: AbortSignal;
}

/** The last line of the output. `ratio` = `ours` / `reference`, measured interleaved in one run. */
export interface BenchResult {
  readonly name: string;
  readonly ratio: number;
  readonly ours: number;
  readonly reference: number;
  readonly unit: string;
  /** Measured requests behind `ours`. */
  readonly n: number;
  readonly [more: string]: unknown;
}

export interface BenchReport {
  /** Lines for people. */
  readonly text: string;
  readonly result: BenchResult;
}

export interface Bench {
  readonly name: string;
  /** One line for the list. */
  readonly about: string;
  /** @throws Error when it can't measure; nothing it started is left. */
  readonly run: (context: BenchContext) => Promise<BenchReport>;
}

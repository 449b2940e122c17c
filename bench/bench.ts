/** What a bench is to `main.ts`. */

export interface BenchContext {
  readonly log: (line: string) => void;
  /** What was written after the bench's name; empty unless it says what it takes. */
  readonly words: readonly string[];
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
  /** What may be written after its name, for the list. */
  readonly takes?: string;
  /** @throws Error when it can't measure; nothing it started is left. */
  readonly run: (context: BenchContext) => Promise<BenchReport>;
}

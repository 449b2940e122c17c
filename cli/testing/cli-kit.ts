/** Runs the program in this process, with what it prints kept. */
import type { ExitCode } from "../exit-code.ts";
import { runProgram, type World } from "../program.ts";

export interface Ran {
  readonly code: ExitCode;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly home?: string;
  readonly colors?: boolean;
  readonly signal?: AbortSignal;
  /** Time passes in sleeps alone, which end at once. Otherwise it is real, and sleeps are short. */
  readonly virtualTime?: boolean;
  /** Called after each line on standard output. */
  readonly onLine?: (line: string) => void;
  /** Called after each line on standard error. */
  readonly onComplaint?: (line: string) => void;
}

export async function run(argv: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const [out, err]: [string[], string[]] = [[], []];
  let sleptMillis = 0;
  const world: World = {
    terminal: {
      out: (line) => {
        out.push(line);
        options.onLine?.(line);
      },
      err: (line) => {
        err.push(line);
        options.onComplaint?.(line);
      },
      colors: options.colors ?? false,
    },
    env: { PATH: process.env["PATH"], ...options.env },
    home: options.home ?? "/nonexistent",
    interactive: false,
    version: "1.2.3",
    wallMillis: () => Date.now(),
    monotonicMillis: () => (options.virtualTime === true ? sleptMillis : performance.now()),
    // A hundred times as fast as people wait.
    sleep: async (millis) => {
      sleptMillis += millis;
      if (options.virtualTime !== true) await new Promise((resolve) => setTimeout(resolve, millis / 100));
    },
    random: () => 0.5,
    signal: options.signal ?? new AbortController().signal,
  };
  const code = await runProgram(argv, world);
  return { code, out: out.join("\n"), err: err.join("\n") };
}

/** Ages and times differ from run to run. */
export function timeless(text: string): string {
  return text
    .replaceAll(/\d{4}-\d{2}-\d{2}T[\d:.]+Z/g, "TIME")
    .replaceAll(/\b\d{2}:\d{2}Z/g, "CLOCK")
    .replaceAll(/\b\d+s\b/g, "0s");
}

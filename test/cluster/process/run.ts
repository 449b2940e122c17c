import { spawn } from "node:child_process";
import { once } from "node:events";

/** The program and its arguments. */
export type Argv = readonly [program: string, ...args: string[]];

export interface RunOptions {
  /** After this long the program is killed and the run throws. */
  readonly timeoutMillis: number;
  readonly signal?: AbortSignal | undefined;
  readonly cwd?: string | undefined;
  /** Added to this process's own environment. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Written to the program's standard input, which is empty otherwise. */
  readonly input?: string | undefined;
}

export interface RunResult {
  /** Exit code; null when a signal ended the program. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. Throws when it cannot be started, is aborted or exceeds its time, never for its exit code. */
export async function run(argv: Argv, options: RunOptions): Promise<RunResult> {
  const [program, ...args] = argv;
  const deadline = AbortSignal.timeout(options.timeoutMillis);
  const signal = options.signal === undefined ? deadline : AbortSignal.any([options.signal, deadline]);
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    signal,
    killSignal: "SIGKILL",
    stdio: ["pipe", "pipe", "pipe"],
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  // A program that exits without reading its input breaks the pipe; its exit code tells what matters.
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.input ?? "");
  try {
    await once(child, "close");
  } catch (cause) {
    throw new Error(describeFailure(argv, deadline.aborted, options.timeoutMillis, text(stderr)), { cause });
  }
  return { code: child.exitCode, stdout: text(stdout), stderr: text(stderr) };
}

/** Runs a program that must succeed; the error holds what it printed. */
export async function runOrThrow(argv: Argv, options: RunOptions): Promise<RunResult> {
  const result = await run(argv, options);
  if (result.code === 0) return result;
  const said = `${result.stderr}${result.stdout}`.trim();
  throw new Error(`${argv.join(" ")} ended with ${result.code ?? "a signal"}: ${said}`);
}

function describeFailure(argv: Argv, timedOut: boolean, timeoutMillis: number, stderr: string): string {
  const what = timedOut ? `did not end within ${timeoutMillis} ms` : "could not be run to its end";
  return `${argv.join(" ")} ${what}${stderr === "" ? "" : `: ${stderr.trim()}`}`;
}

function text(chunks: readonly Buffer[]): string {
  return Buffer.concat(chunks).toString("utf8");
}

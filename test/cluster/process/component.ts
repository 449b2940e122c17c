import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Argv } from "./run.ts";

export interface ComponentSpec {
  readonly name: string;
  readonly argv: Argv;
  readonly logFile: string;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Sends a signal to the program where the spawned process is only its parent (nsenter passes none on). */
  /** As a service manager would: started again this long after it ended by itself. */
  readonly restartAfterMillis: number;
  readonly signalProgram?: ((signal: NodeJS.Signals) => Promise<void>) | undefined;
}

export type ComponentState =
  | { readonly kind: "stopped" }
  | { readonly kind: "running"; readonly pid: number; readonly deaths: number }
  /** Ended although nobody asked it to; about to be started again. */
  | { readonly kind: "died"; readonly how: string; readonly deaths: number };

/** One long-running program of the cluster. `deaths` counts the times it ended by itself. */
export interface Component {
  readonly name: string;
  start(): void;
  /** SIGTERM, after `graceMillis` SIGKILL; returns when the program is gone. */
  stop(graceMillis: number): Promise<void>;
  /** SIGKILL; returns when the program is gone. */
  kill(): Promise<void>;
  state(): ComponentState;
}

export function createComponent(spec: ComponentSpec): Component {
  let child: ChildProcess | undefined;
  let state: ComponentState = { kind: "stopped" };
  let restart: NodeJS.Timeout | undefined;
  let deaths = 0;

  function start(): void {
    if (child !== undefined) throw new Error(`${spec.name} runs already`);
    const log = openSync(spec.logFile, "a");
    const [program, ...args] = spec.argv;
    const started = spawn(program, args, {
      env: { ...process.env, ...spec.env },
      stdio: ["ignore", log, log],
    });
    closeSync(log);
    child = started;
    state = { kind: "running", pid: started.pid ?? -1, deaths };
    started.once("error", (error) => onDeath(started, error.message));
    started.once("exit", (code, signal) => onDeath(started, `exit ${code ?? signal ?? "unknown"}`));
  }

  function onDeath(dead: ChildProcess, how: string): void {
    if (child !== dead) return;
    child = undefined;
    deaths += 1;
    state = { kind: "died", how, deaths };
    restart = setTimeout(start, spec.restartAfterMillis);
  }

  async function end(first: NodeJS.Signals, graceMillis: number): Promise<void> {
    clearTimeout(restart);
    const ending = child;
    child = undefined;
    if (ending !== undefined) {
      const gone = once(ending, "exit");
      await send(ending, first);
      await Promise.race([gone, sleep(graceMillis, undefined, { ref: false })]);
      if (ending.exitCode === null && ending.signalCode === null) await send(ending, "SIGKILL");
      await gone;
    }
    state = { kind: "stopped" };
  }

  async function send(to: ChildProcess, signal: NodeJS.Signals): Promise<void> {
    if (spec.signalProgram === undefined) to.kill(signal);
    else await spec.signalProgram(signal);
  }

  return {
    name: spec.name,
    start,
    stop: async (graceMillis) => end("SIGTERM", graceMillis),
    kill: async () => end("SIGKILL", 10_000),
    state: () => state,
  };
}

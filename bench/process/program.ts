/** A program that runs beside a bench and must not outlive it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { open, readFile } from "node:fs/promises";
import { dieWithUs } from "../../test/cluster/process/die-with-us.ts";
import { tail } from "../../test/cluster/process/log-tail.ts";
import type { Argv } from "../../test/cluster/process/run.ts";

export interface ProgramSpec {
  readonly name: string;
  readonly argv: Argv;
  /** Takes its standard output and standard error. */
  readonly logFile: string;
}

export interface Program {
  readonly name: string;
  readonly pid: number;
  /** Settles as `work` does, or rejects with the end of its log as soon as the program ends by itself. */
  during<T>(work: Promise<T>): Promise<T>;
  /** Kills it: what it keeps is thrown away. Returns when it is gone; does nothing if it is. */
  stop(): Promise<void>;
}

const LOG_LINES = 20;

/** @throws Error if it can't be started. */
export async function startProgram(spec: ProgramSpec): Promise<Program> {
  const log = await open(spec.logFile, "a");
  const [program, ...args] = dieWithUs(spec.argv);
  // A session of its own: Ctrl-C in a terminal goes to the bench alone, which then ends everything in order.
  const child = spawn(program, args, { stdio: ["ignore", log.fd, log.fd], detached: true });
  // Listened for before anything is awaited, or they would be over.
  const spawned = once(child, "spawn");
  const exited = once(child, "exit");
  exited.catch(() => undefined);
  try {
    await Promise.all([spawned, log.close()]);
  } catch (cause) {
    throw new Error(`start ${spec.name}: setpriv (Debian package util-linux) is needed`, { cause });
  }
  let stopping = false;
  const died = exited.then(async () => {
    if (stopping) return;
    const said = tail(await readFile(spec.logFile, "utf8"), LOG_LINES);
    throw new Error(
      `${spec.name} ended by itself with ${child.exitCode ?? child.signalCode ?? "no reason"}:\n${said}`,
    );
  });
  // Told to whoever waits in during(); nobody may be waiting.
  died.catch(() => undefined);
  return {
    name: spec.name,
    pid: child.pid ?? -1,
    during: (work) => Promise.race([work, died.then(async () => work)]),
    async stop() {
      stopping = true;
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
      await exited;
    },
  };
}

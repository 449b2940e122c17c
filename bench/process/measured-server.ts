/** A server in a process of its own, as the benches measure it. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { open } from "node:fs/promises";
import { Readable } from "node:stream";
import type { Argv } from "../../test/cluster/process/run.ts";

/**
 * How such a program behaves: it writes `{"port": N}` and a line end to file descriptor 3 once it listens, and ends
 * when its standard input does, so that none outlives a bench that was killed.
 */
export interface MeasuredServerSpec {
  readonly name: string;
  readonly argv: Argv;
  /** Where its standard output, the log, goes: a file, or /dev/null. */
  readonly logFile: string;
  readonly signal: AbortSignal;
}

export interface MeasuredServer {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  /** Returns when it is gone. @throws Error if it had ended by itself. */
  stop(): Promise<void>;
}

const READY_TIMEOUT_MILLIS = 30_000;
const STOP_TIMEOUT_MILLIS = 5_000;
const READY_DESCRIPTOR = 3;

export async function startMeasuredServer(spec: MeasuredServerSpec): Promise<MeasuredServer> {
  const [program, ...args] = spec.argv;
  const log = await open(spec.logFile, "a");
  const child = spawn(program, args, { stdio: ["pipe", log.fd, "inherit", "pipe"] });
  // Listened for before anything is awaited, or it would be over.
  const ended = once(child, "exit");
  ended.catch(() => undefined);
  try {
    await log.close();
    const signal = AbortSignal.any([spec.signal, AbortSignal.timeout(READY_TIMEOUT_MILLIS)]);
    const early = ended.then(([code]: unknown[]) => {
      throw new Error(`it ended with ${String(code)} before it listened`);
    });
    const port = await Promise.race([portOf(child, signal), early]);
    return { name: spec.name, port, pid: child.pid ?? -1, stop: async () => end(spec.name, child, ended) };
  } catch (cause) {
    child.kill("SIGKILL");
    throw new Error(`start ${spec.name}`, { cause });
  }
}

async function portOf(child: ChildProcess, signal: AbortSignal): Promise<number> {
  const ready = child.stdio[READY_DESCRIPTOR];
  if (!(ready instanceof Readable)) throw new Error("no pipe for the port");
  const event: readonly unknown[] = await once(ready, "data", { signal });
  const line = String(event[0]);
  const said: unknown = JSON.parse(line);
  if (typeof said === "object" && said !== null && "port" in said && typeof said.port === "number") {
    return said.port;
  }
  throw new Error(`expected its port, got ${line}`);
}

async function end(name: string, child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) {
    throw new Error(`${name} ended by itself with ${child.exitCode ?? child.signalCode ?? "no reason"}`);
  }
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MILLIS);
  child.stdin?.end();
  await ended;
  clearTimeout(timer);
}

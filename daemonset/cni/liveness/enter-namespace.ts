/**
 * A look into a namespace that no process lives in: a sandbox being made, or one whose processes have ended. /proc shows
 * namespaces through processes only, so one is put in for a moment, by nsenter.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { codeOf } from "../../host/reason.ts";
import type { Time } from "../../host/time.ts";
import { networkNamespaceOf } from "./proc-file.ts";

export interface EnterRequest {
  /** Where it is mounted, as the node calls it. */
  readonly path: string;
  readonly inode: string;
  /** Called with a process (`/proc/PID`) that should be in there until this returns; false if it was not. */
  readonly use: (process: string) => boolean;
  readonly signal: AbortSignal;
}

/** @throws Error if that can't be done: no nsenter, no rights, or the namespace is no more. */
export type EnterNamespace = (request: EnterRequest) => Promise<void>;

export interface EnterOptions {
  readonly hostRoot: string;
  readonly time: Time;
  /** Defaults to `nsenter`, from PATH. */
  readonly program?: string;
}

/** It takes 2 ms. */
const DEADLINE_MILLIS = 2_000;
const POLL_MILLIS = 1;

export function makeEnterNamespace({ hostRoot, time, program = "nsenter" }: EnterOptions): EnterNamespace {
  return async ({ path, inode, use, signal }) => {
    // A program that is surely there and does nothing: Node, which waits for a script that never comes.
    const child = spawn(program, [`--net=${join(hostRoot, path)}`, "--", process.execPath, "-"], {
      stdio: ["pipe", "ignore", "pipe"],
      env: { LC_ALL: "C", PATH: process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin" },
      cwd: "/",
    });
    const ended = Promise.withResolvers<void>();
    let failure: string | undefined;
    let said = "";
    child.stdin.on("error", () => {});
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      if (said.length < 1_000) said += text;
    });
    child.on("error", (error) => {
      failure =
        codeOf(error) === "ENOENT" ? `${program} is not there (Debian package util-linux)` : error.message;
      ended.resolve();
    });
    child.on("close", (code) => {
      failure ??= said.trim() || `${program} ended with ${code}`;
      ended.resolve();
    });
    try {
      const beganMillis = time.monotonicMillis();
      while (failure === undefined && !signal.aborted) {
        const seen = `/proc/${child.pid}`;
        if (networkNamespaceOf(seen) === inode && use(seen)) return;
        if (time.monotonicMillis() - beganMillis > DEADLINE_MILLIS)
          failure = `not in there within ${DEADLINE_MILLIS} ms`;
        else await time.sleep(POLL_MILLIS, signal);
      }
      throw new Error(`look into ${path}: ${failure ?? "given up"}`);
    } finally {
      child.kill("SIGKILL");
      if (child.pid !== undefined) await ended.promise;
    }
  };
}

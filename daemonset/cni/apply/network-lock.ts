/**
 * The lock under which host-local reserves and frees a network's addresses: flock(2) on `<network>/lock`, and with the
 * plugins of before 0.7 (2017) on the directory itself (facts/cni-state.md 2). Node has no flock, so util-linux' does it
 * on a descriptor that the child inherits: such a lock belongs to the open file, which is this process's as well, so it
 * stays after the child has ended, and is gone with this process, however that ends.
 */
import { spawn } from "node:child_process";
import { closeSync, constants, fstatSync, openSync, statSync } from "node:fs";
import { join } from "node:path";
import { codeOf, reasonOf } from "../../host/reason.ts";

export type NetworkLock =
  | { readonly kind: "held"; readonly release: () => void }
  /** With the reason in words; nothing is held. */
  | { readonly kind: "not-held"; readonly reason: string };

export interface NetworkLockOptions {
  /** util-linux' flock; busybox' knows no `-w`. Defaults to `flock`, from PATH. */
  readonly program?: string;
  /** How long another may hold it. Defaults to 5_000. */
  readonly waitMillis?: number;
}

export type TakeNetworkLock = (directory: string, signal: AbortSignal) => Promise<NetworkLock>;

/** As host-local opens it; never waits for the other end of a pipe of that name. */
const LOCK_FLAGS = constants.O_RDONLY | constants.O_CREAT | constants.O_NONBLOCK;
const LOCK_MODE = 0o750;
const WAIT_MILLIS = 5_000;
/** flock ends by itself, unless the machine or a hung file system keeps it. */
const KILL_AFTER_MILLIS = 1_000;
/** flock's exit code when the time is over. */
const TIMED_OUT = 1;

/** Never rejects. A missing `lock` is made, as host-local would; a missing directory is not. */
export function makeTakeNetworkLock(options: NetworkLockOptions = {}): TakeNetworkLock {
  const { program = "flock", waitMillis = WAIT_MILLIS } = options;
  return async (directory, signal) => {
    const path = join(directory, "lock");
    const open: number[] = [];
    const release = (): void => {
      for (const fd of open.splice(0)) closeSync(fd);
    };
    try {
      open.push(openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY));
      const lock = openSync(path, LOCK_FLAGS, LOCK_MODE);
      open.push(lock);
      if (!fstatSync(lock).isFile()) throw new Error(`${path} is no regular file`);
      const problems = await Promise.all(
        open.map(async (fd) => lockOpenFile(program, fd, waitMillis, signal)),
      );
      const problem = problems.find((one) => one !== undefined);
      if (problem !== undefined) throw new Error(`lock ${path}: ${problem}`);
      // Whoever removed the file meanwhile let plugins lock another one of that name.
      const [held, now] = [fstatSync(lock), statSync(path)];
      if (held.ino !== now.ino || held.dev !== now.dev) throw new Error(`${path} was replaced meanwhile`);
      return { kind: "held", release };
    } catch (thrown) {
      release();
      return { kind: "not-held", reason: reasonOf(thrown) };
    }
  };
}

/** Undefined when it is locked, else why not. */
async function lockOpenFile(
  program: string,
  fd: number,
  waitMillis: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (signal.aborted) return "given up";
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const seconds = waitMillis / 1_000;
  const child = spawn(program, ["-x", "-w", String(seconds), "3"], {
    stdio: ["ignore", "ignore", "pipe", fd],
    cwd: "/",
    env: { LC_ALL: "C", PATH: process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin" },
  });
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    if (said.length < 1_000) said += text;
  });
  const kill = (): void => void child.kill("SIGKILL");
  const timer = setTimeout(kill, waitMillis + KILL_AFTER_MILLIS);
  timer.unref();
  signal.addEventListener("abort", kill, { once: true });
  child.on("error", (error) => {
    const isAbsent = codeOf(error) === "ENOENT";
    resolve(isAbsent ? `${program} is not there (Debian package util-linux)` : error.message);
  });
  child.on("close", (code) => {
    if (code === 0) resolve(undefined);
    else if (signal.aborted) resolve("given up");
    else if (code === TIMED_OUT || code === null) resolve(`another has held it for ${seconds} s`);
    else resolve(said.trim().split("\n", 1)[0] || `${program} ended with ${code}`);
  });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", kill);
  }
}

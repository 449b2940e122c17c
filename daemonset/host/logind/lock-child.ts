/**
 * A child that holds logind's delay lock: `systemd-inhibit ... cat`. Node can't receive file descriptors, and the lock is
 * one. It is let go by closing the child's input, so it can't outlive the agent: the pipe closes with it.
 */
import { spawn } from "node:child_process";
import { codeOf } from "../reason.ts";
import type { Time } from "../time.ts";

export interface LockChildOptions {
  /**
   * Program and leading arguments, up to and with systemd-inhibit: `["systemd-inhibit"]` from the image, or the host's
   * own through `["chroot", "/proc/1/root", "systemd-inhibit"]` (which needs hostPID).
   */
  readonly command: readonly string[];
  readonly who: string;
  readonly why: string;
  /** Given to the child as DBUS_SYSTEM_BUS_ADDRESS. */
  readonly busAddress?: string;
  readonly time: Time;
  /** For the lock to be granted. Defaults to 10_000: a service that logind waits for may be slow at boot. */
  readonly takeTimeoutMillis?: number;
}

export interface LockChild {
  /** Resolves to undefined when the lock is held, to the reason when it was not to be had. Never rejects. */
  readonly taken: Promise<string | undefined>;
  /** Resolves when the lock is surely gone, with what the child said last. */
  readonly ended: Promise<string>;
  /** Lets go: closes the child's input, and kills it if that is not enough. */
  release(): void;
}

/** systemd-inhibit goes 2 ms after its input closes; a frozen one is killed after this. */
const KILL_AFTER_MILLIS = 250;
/** Where distributions keep systemd-inhibit and cat; the last is NixOS. */
const HOST_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin";
const PROOF = "held\n";

export type LockSpawner = () => LockChild;

export function startLockChild(options: LockChildOptions): LockChild {
  const { command, who, why, time } = options;
  const [program = "systemd-inhibit", ...leading] = command;
  const args = [...leading, "--what=shutdown", "--mode=delay", `--who=${who}`, `--why=${why}`, "cat"];
  const address = options.busAddress;
  const child = spawn(program, args, {
    stdio: ["pipe", "pipe", "pipe"],
    cwd: "/",
    env: {
      PATH: HOST_PATH,
      LC_ALL: "C",
      ...(address === undefined ? {} : { DBUS_SYSTEM_BUS_ADDRESS: address }),
    },
  });
  let said = "";
  const over = new AbortController();
  const taken = Promise.withResolvers<string | undefined>();
  const ended = Promise.withResolvers<string>();
  const finish = (reason: string): void => {
    over.abort();
    taken.resolve(reason);
    ended.resolve(reason);
  };
  // Whoever writes to a child that is gone gets EPIPE; its end is told by "exit".
  child.stdin.on("error", () => {});
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    if (said.length < 2_000) said += text;
  });
  // cat says back what it was told: so systemd-inhibit started it, and it does that only with the lock in hand.
  child.stdout.once("data", () => taken.resolve(undefined));
  child.on("error", (error) => finish(startFailure(program, error)));
  child.on("exit", (code, signal) => {
    const how = signal === null ? `ended with ${code}` : `was ended by ${signal}`;
    // Its last words may come after "exit"; "close" would wait for whoever else holds the pipe.
    setImmediate(() => finish(said.trim() === "" ? `${program} ${how}` : firstLine(said)));
  });
  child.stdin.write(PROOF);

  async function killIfStuck(millis: number, when: AbortSignal): Promise<void> {
    await time.sleep(millis, when);
    if (!when.aborted) child.kill("SIGKILL");
  }
  async function killUnlessTaken(millis: number): Promise<void> {
    const settled = new AbortController();
    void taken.promise.then(() => settled.abort());
    await time.sleep(millis, settled.signal);
    if (settled.signal.aborted) return;
    taken.resolve(`${program} did not get the lock within ${millis} ms`);
    child.kill("SIGKILL");
  }
  void killUnlessTaken(options.takeTimeoutMillis ?? 10_000);
  return {
    taken: taken.promise,
    ended: ended.promise,
    release() {
      child.stdin.end();
      void killIfStuck(KILL_AFTER_MILLIS, over.signal);
    },
  };
}

function startFailure(program: string, error: Error): string {
  return codeOf(error) === "ENOENT"
    ? `${program} is not there; is it in the image, or the host without systemd?`
    : `${program} does not start: ${error.message}`;
}

function firstLine(text: string): string {
  return text.trim().split("\n", 1)[0] ?? "";
}

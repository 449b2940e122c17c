/**
 * Cleans up before the node goes down, and only then: holds logind's delay lock, hears announcements, runs the pass
 * within the delay, lets go; and judges a SIGTERM.
 */
import { randomBytes } from "node:crypto";
import type { Logger } from "pino";
import type { BusConnection, BusConnector } from "../logind/bus.ts";
import { makeInhibitor, type LockState } from "../logind/inhibitor.ts";
import { startLockChild } from "../logind/lock-child.ts";
import {
  inhibitDelayMaxMillis,
  listInhibitors,
  preparingForShutdown,
  systemState,
} from "../logind/logind.ts";
import { makeLogindWatch, type WatchState } from "../logind/watch.ts";
import type { Time } from "../time.ts";
import { decideOnTerm, type TermDecision } from "./decide.ts";
import { prepareForShutdown, type PrepareOutcome, type ShutdownPass } from "./prepare.ts";

export interface ShutdownGuardOptions {
  readonly connect: BusConnector;
  /** See `LockChildOptions.command`. */
  readonly lockCommand: readonly string[];
  /** For the lock's child; see `LockChildOptions.busAddress`. */
  readonly busAddress?: string;
  readonly pass: ShutdownPass;
  /** The agent's own bound for a pass. */
  readonly maxPassMillis: number;
  readonly time: Time;
  readonly log: Logger;
}

export interface ShutdownState {
  readonly lock: LockState;
  readonly bus: WatchState;
  /** A shutdown is announced and was not taken back. */
  readonly announced: boolean;
  /** logind's bound when it was last asked. */
  readonly delayMaxMillis: number | undefined;
  /** How the last preparation ended. */
  readonly last: PrepareOutcome | undefined;
}

export interface TermOutcome {
  readonly decision: TermDecision;
  /** Of the pass, where one ran or was running. */
  readonly pass: PrepareOutcome | undefined;
}

export interface ShutdownGuard {
  /** Works until the signal aborts, then lets go of the lock; never rejects. Call it once. */
  run(signal: AbortSignal): Promise<void>;
  /**
   * A SIGTERM came: cleans up if the node is going down, leaves everything as it is otherwise. Works without `run`
   * too. Takes about a second at most to decide; never rejects.
   */
  onTerm(): Promise<TermOutcome>;
  state(): ShutdownState;
}

/** To tell the own lock from that of another agent (the one before or after it in a rollout). */
const TOKEN_BYTES = 4;
/** For each question when a SIGTERM came. */
const TERM_ANSWER_MILLIS = 1_000;

export function makeShutdownGuard(options: ShutdownGuardOptions): ShutdownGuard {
  const { time, log, connect, busAddress } = options;
  const why = `remove stuck containers before the node goes down [${randomBytes(TOKEN_BYTES).toString("hex")}]`;
  const inhibitor = makeInhibitor({
    time,
    log,
    spawn: () =>
      startLockChild({
        command: options.lockCommand,
        who: "nodelatch",
        why,
        time,
        ...(busAddress === undefined ? {} : { busAddress }),
      }),
  });
  const watch = makeLogindWatch({ connect, time, log, onShutdown, onLogind });
  let announced = false;
  let cancel = new AbortController();
  let delayMaxMillis: number | undefined;
  let last: PrepareOutcome | undefined;
  let preparing = false;
  let queue: Promise<void> = Promise.resolve();

  function onShutdown(now: boolean): void {
    if (now === announced) return;
    announced = now;
    if (now) {
      cancel = new AbortController();
      const { signal } = cancel;
      queue = queue.then(async () => prepare(signal));
    } else {
      log.info("shutdown was cancelled; taking the lock again");
      cancel.abort(new Error("the shutdown was cancelled"));
      queue = queue.then(() => inhibitor.take());
    }
  }

  async function onLogind(bus: BusConnection, signal: AbortSignal): Promise<void> {
    onShutdown(await preparingForShutdown(bus, signal));
    if (announced) return;
    delayMaxMillis = await inhibitDelayMaxMillis(bus, signal);
    // Asked for before the list is: a lock taken meanwhile may be missing in it.
    const wasHeld = inhibitor.state().kind === "held";
    if (!wasHeld) inhibitor.hurry();
    else if (!(await listInhibitors(bus, signal)).some((entry) => entry.why === why)) inhibitor.renew();
  }

  async function prepare(cancelled: AbortSignal): Promise<void> {
    preparing = true;
    log.info("shutdown is announced; cleaning up");
    last = await prepareForShutdown({
      pass: options.pass,
      release: async () => inhibitor.letGo(),
      readDelayMaxMillis: async (signal) => {
        const bus = watch.connection();
        return bus === undefined ? delayMaxMillis : inhibitDelayMaxMillis(bus, signal);
      },
      settingMillis: options.maxPassMillis,
      time,
      cancelled,
    });
    preparing = false;
    const ok = last.kind === "done" || last.kind === "cancelled";
    log[ok ? "info" : "warn"]({ outcome: last }, "cleaned up before the shutdown");
  }

  async function ask<Value>(
    question: (bus: BusConnection, signal: AbortSignal) => Promise<Value>,
  ): Promise<Value | undefined> {
    const over = new AbortController();
    let own: BusConnection | undefined;
    async function answer(): Promise<Value | undefined> {
      try {
        const bus = watch.connection() ?? (own = await connect(() => {}, over.signal));
        return await question(bus, over.signal);
      } catch {
        return undefined;
      }
    }
    const value = await Promise.race([answer(), time.sleep(TERM_ANSWER_MILLIS, over.signal)]);
    over.abort(new Error("no answer in time"));
    own?.close();
    return value ?? undefined;
  }

  return {
    async run(signal) {
      await Promise.all([inhibitor.run(signal), watch.run(signal)]);
    },
    async onTerm() {
      const [isPreparing, manager] = await Promise.all([ask(preparingForShutdown), ask(systemState)]);
      const decision = decideOnTerm({ preparing: isPreparing, announced, systemState: manager });
      log.info(decision, "SIGTERM");
      if (decision.kind === "leave") return { decision, pass: undefined };
      // One that runs is waited for; one that ran is repeated, as kubelet makes containers till the end.
      const running = preparing;
      await queue;
      if (!running) await prepare(new AbortController().signal);
      return { decision, pass: last };
    },
    state: () => ({ lock: inhibitor.state(), bus: watch.state(), announced, delayMaxMillis, last }),
  };
}

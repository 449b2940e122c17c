/**
 * The agent's side of the gate: answers the questions of `/run/nodelatch/verify`. Nothing is remembered from one
 * question to the next, so an answer is never older than its question; what can't be known is answered as unknown.
 */
import { watch } from "node:fs";
import type { Logger } from "pino";
import { gateWords, type GateVerdict } from "../../lock/gate.ts";
import { backoffMillis } from "../../program/backoff.ts";
import type { BootIDRead } from "../host/boot/boot-id.ts";
import { reasonOf } from "../host/reason.ts";
import type { Time } from "../host/time.ts";
import type { GateFolder } from "./folder.ts";
import { ANSWER_SECONDS, type Answer, type Question } from "./question.ts";

export interface JudgeQuestion {
  /** Of the running kernel. */
  readonly bootID: string;
  /** Whose lock it must be; undefined: anybody's. */
  readonly holder: string | undefined;
}

export interface GateServerOptions {
  readonly folder: GateFolder;
  /** A live look at the API server. Rejects if it can't be asked. */
  readonly judge: (asked: JudgeQuestion, signal: AbortSignal) => Promise<GateVerdict>;
  readonly readBootID: () => Promise<BootIDRead>;
  /** Whole seconds since boot, as /proc/uptime has them on the node. Rejects if that can't be read. */
  readonly readUptime: () => Promise<number>;
  /** Called with each final answer. */
  readonly onAnswer: (answer: Answer) => void;
  readonly time: Time;
  readonly log: Logger;
}

export type GateState =
  | { readonly kind: "starting" }
  | { readonly kind: "serving"; readonly watching: boolean; readonly last: Answer["verdict"] | undefined }
  | { readonly kind: "failing"; readonly reason: string };

export interface GateServer {
  /** Works until the signal aborts; never rejects. Call it once. */
  run(signal: AbortSignal): Promise<void>;
  state(): GateState;
}

/** Less than the asker waits: it should hear that the API server is silent, and not only silence. */
const JUDGE_MILLIS = 7_000;
const RETRY = { firstMillis: 1_000, maxMillis: 60_000 };
/** Between two looks for an asker who waits. */
const LOOK_AGAIN = { firstMillis: 1_000, maxMillis: 4_000 };
/** With the kernel telling of new files, a look now and then only makes sure of folder and script. */
const WATCHED_MILLIS = 60_000;
/** Where it does not: nodes run out of inotify instances. */
const UNWATCHED_MILLIS = 1_000;
/** Answers that nobody took away; and questions that are never finished. */
const KEEP_MILLIS = 60_000;
/** Root alone can ask; one who asks a thousand times at once waits. */
const MOST_AT_ONCE = 16;

export function makeGateServer(options: GateServerOptions): GateServer {
  const { folder, time, log } = options;
  const active = new Set<string>();
  /** When to remove what is left of a question; monotonic milliseconds. */
  const removals = new Map<string, number>();
  let state: GateState = { kind: "starting" };
  let last: Answer["verdict"] | undefined;

  async function scan(signal: AbortSignal): Promise<void> {
    const now = time.monotonicMillis();
    const lying = await folder.list();
    for (const nonce of lying) {
      if (active.size >= MOST_AT_ONCE) break;
      if (active.has(nonce)) continue;
      const question = await folder.read(nonce);
      // Perhaps half written: the rest of it makes itself heard.
      if (question === undefined) {
        if (!removals.has(nonce)) removals.set(nonce, now + KEEP_MILLIS);
        continue;
      }
      active.add(nonce);
      removals.delete(nonce);
      void serve(question, signal);
    }
    for (const [nonce, atMillis] of removals) {
      if (atMillis > now) continue;
      removals.delete(nonce);
      await folder.forgetAnswer(nonce);
      await folder.forgetQuestion(nonce);
    }
  }

  async function serve(question: Question, signal: AbortSignal): Promise<void> {
    const { nonce } = question;
    const begunMillis = time.monotonicMillis();
    try {
      const answer = await find(question, signal);
      if (answer === undefined) return;
      last = answer.verdict;
      const millis = Math.round(time.monotonicMillis() - begunMillis);
      log.info(
        { verdict: answer.verdict, words: answer.words, millis, waitSeconds: question.waitSeconds },
        "gate",
      );
      options.onAnswer(await delivered(question, answer));
    } catch (err) {
      // The asker gives up in time by itself.
      log.warn({ err }, "gate: no answer could be given");
    } finally {
      // At the agent's own end it stays: the next one may still be in time.
      if (!signal.aborted) await folder.forgetQuestion(nonce).catch(() => {});
      active.delete(nonce);
      removals.set(nonce, time.monotonicMillis() + KEEP_MILLIS);
    }
  }

  /** The answer as its asker has it. */
  async function delivered(question: Question, answer: Answer): Promise<Answer> {
    try {
      await folder.answer(question, answer);
      return answer;
    } catch (err) {
      // A full disk. The asker gives up in time by itself, and takes that for a no.
      log.warn({ err }, "gate: no answer could be given");
      return { ...answer, verdict: "unknown", words: `the answer could not be written: ${reasonOf(err)}` };
    }
  }

  /** Undefined if nobody waits for an answer any more. */
  async function find(question: Question, signal: AbortSignal): Promise<Answer | undefined> {
    const { nonce, askedAt, waitSeconds } = question;
    for (let looks = 1; !signal.aborted; looks += 1) {
      const lookedAt = await options.readUptime();
      if (lookedAt >= askedAt + waitSeconds + ANSWER_SECONDS || lookedAt < askedAt) return undefined;
      const looked = await look(question, signal);
      const waits = (await options.readUptime()) < askedAt + waitSeconds;
      if (!waits || !looked.mayChange) return { ...looked.answer, lookedAt };
      await time.sleep(backoffMillis(looks, LOOK_AGAIN, time.random()), signal);
      if (!(await folder.isAsked(nonce))) return undefined;
    }
    return undefined;
  }

  async function look({ bootID: askedIn, holder }: Question, signal: AbortSignal): Promise<Looked> {
    const read = await options.readBootID();
    if (read.kind === "unknown") return unknown(read.reason);
    if (read.bootID !== askedIn)
      return unknown(`agent and asker see different boots: ${read.bootID}, ${askedIn}`);
    try {
      const verdict = await options.judge(
        { bootID: read.bootID, holder },
        AbortSignal.any([signal, AbortSignal.timeout(JUDGE_MILLIS)]),
      );
      const mayChange = verdict.kind === "closed" && verdict.mayOpen;
      return { answer: { verdict: verdict.kind, words: gateWords(verdict) }, mayChange };
    } catch (thrown) {
      return unknown(reasonOf(thrown));
    }
  }

  async function attend(signal: AbortSignal): Promise<void> {
    await folder.ensure();
    await folder.clear();
    while (!signal.aborted) {
      const bell = ring(folder.path, signal);
      if (state.kind !== "serving") log.info({ script: folder.scriptPath }, "gate serves");
      try {
        let watching = true;
        while (watching && !signal.aborted) {
          watching = (await folder.ensure()) === "kept" && bell.watching;
          state = { kind: "serving", watching, last };
          await scan(signal);
          const isBusy = active.size > 0 || removals.size > 0;
          await bell.next(time, watching && !isBusy ? WATCHED_MILLIS : UNWATCHED_MILLIS);
        }
      } finally {
        bell.close();
      }
    }
  }

  return {
    async run(signal) {
      let failures = 0;
      while (!signal.aborted) {
        try {
          await attend(signal);
        } catch (err) {
          // A full disk lasts: one line, not one a minute.
          if (state.kind !== "failing") log.warn({ err }, "gate can't be kept; retrying");
          failures = state.kind === "failing" ? failures + 1 : 1;
          state = { kind: "failing", reason: reasonOf(err) };
          await time.sleep(backoffMillis(failures, RETRY, time.random()), signal);
        }
      }
    },
    state: () => (state.kind === "serving" ? { ...state, last } : state),
  };
}

interface Looked {
  readonly answer: Omit<Answer, "lookedAt">;
  /** Whether another look may find something else, apart from an open gate. */
  readonly mayChange: boolean;
}

function unknown(words: string): Looked {
  return { answer: { verdict: "unknown", words }, mayChange: true };
}

interface Bell {
  readonly watching: boolean;
  /** Resolves with a new file, after that long, or when the signal aborts. */
  next(time: Time, millis: number): Promise<void>;
  close(): void;
}

function ring(path: string, signal: AbortSignal): Bell {
  let rung = new AbortController();
  let watching = false;
  let close = (): void => {};
  try {
    const watcher = watch(path, { persistent: false }, () => rung.abort());
    watching = true;
    close = () => watcher.close();
    watcher.on("error", () => {
      watching = false;
      rung.abort();
    });
  } catch {
    // No inotify instance is left: looking again and again serves as well.
  }
  return {
    get watching() {
      return watching;
    },
    async next(time, millis) {
      await time.sleep(millis, AbortSignal.any([signal, rung.signal]));
      rung = new AbortController();
    },
    close,
  };
}

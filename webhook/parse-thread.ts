/** The life of the worker thread behind parse-pool.ts: one job at a time, killed and replaced when it fails. */
import { Worker } from "node:worker_threads";
import type { ParsedReview } from "./parse-review.ts";

export interface ParseThreadOptions {
  /** Time for one body in the worker, then it is killed and replaced. Defaults to 2_000. */
  readonly jobTimeoutMillis?: number;
  /** A worker without work for this long is ended, and its 20 MB with it. Defaults to 30_000. */
  readonly idleMillis?: number;
  /**
   * Old generation of the worker's heap, in MiB. Defaults to 128: 7 MiB of image names or of managedFields keys fit
   * (26 and 375 ms), 7 MiB of "{}," do not and end the worker after a second. The process grew by at most 210 MB
   * with any of them; JSON.parse in the main thread took up to 647 MB of heap.
   */
  readonly heapMebibytes?: number;
  /** Annotations of Nodes to keep besides Nodelatch's own. */
  readonly watched?: ReadonlySet<string>;
  /** Worker entry; tests put a broken one here. Defaults to parse-worker beside this file. */
  readonly entry?: URL;
}

export type ThreadResult =
  | { readonly kind: "parsed"; readonly parsed: ParsedReview }
  | { readonly kind: "failed"; readonly cause: Error };

export interface Job {
  /** Its memory moves to the worker when the job starts. */
  readonly body: Uint8Array;
  readonly settle: (result: ThreadResult) => void;
}

/** esbuild writes the worker as a second file beside the bundle; from source it is TypeScript. */
const ENTRY = new URL(
  import.meta.url.endsWith(".ts") ? "./parse-worker.ts" : "./parse-worker.mjs",
  import.meta.url,
);

export interface ParseThread {
  push(job: Job): void;
  /** Drops a job that still waits. One that already runs is left to end: its result goes nowhere. */
  forget(job: Job): void;
  waiting(): number;
  close(): Promise<void>;
}

/**
 * One worker, started on the first job. One is enough: large reviews are rare, and a second would double what hostile
 * ones may use.
 */
export function createParseThread(options: ParseThreadOptions): ParseThread {
  const jobTimeoutMillis = options.jobTimeoutMillis ?? 2_000;
  const idleMillis = options.idleMillis ?? 30_000;
  const queue: Job[] = [];
  let worker: Worker | undefined;
  let running: Job | undefined;
  let timer: NodeJS.Timeout | undefined;

  function start(): Worker {
    const started = new Worker(options.entry ?? ENTRY, {
      resourceLimits: {
        maxOldGenerationSizeMb: options.heapMebibytes ?? 128,
        maxYoungGenerationSizeMb: 16,
      },
      // The worker needs neither the program's arguments nor its environment.
      argv: [],
      env: {},
      workerData: { watched: [...(options.watched ?? [])] },
    });
    started.unref();
    started.on("message", (message: unknown) => {
      if (worker !== started) return;
      if (isParsedReview(message)) finish({ kind: "parsed", parsed: message });
      else replace(started, new Error("parse review: the worker sent something else"));
    });
    started.on("error", (cause: unknown) =>
      replace(started, new Error("parse review: worker died", { cause })),
    );
    started.on("exit", (code) =>
      replace(started, new Error(`parse review: worker ended with exit code ${code}`)),
    );
    return started;
  }

  function next(): void {
    clearTimeout(timer);
    running = queue.shift();
    if (running === undefined) {
      timer = setTimeout(() => void stop(), idleMillis).unref();
      return;
    }
    worker ??= start();
    const using = worker;
    const late = new Error(`parse review: worker took longer than ${jobTimeoutMillis} ms`);
    timer = setTimeout(() => replace(using, late), jobTimeoutMillis).unref();
    const bytes = ownMemory(running.body);
    using.postMessage(bytes, [bytes.buffer]);
  }

  function finish(result: ThreadResult): void {
    running?.settle(result);
    next();
  }

  function replace(failed: Worker, cause: Error): void {
    if (worker !== failed) return;
    worker = undefined;
    void failed.terminate();
    if (running !== undefined) finish({ kind: "failed", cause });
  }

  async function stop(): Promise<void> {
    const ending = worker;
    worker = undefined;
    await ending?.terminate();
  }

  return {
    push(job) {
      queue.push(job);
      if (running === undefined) next();
    },
    forget(job) {
      const at = queue.indexOf(job);
      if (at >= 0) queue.splice(at, 1);
    },
    waiting: () => queue.length,
    async close() {
      clearTimeout(timer);
      const cause = new Error("parse review: closing");
      for (const job of [...(running === undefined ? [] : [running]), ...queue.splice(0)]) {
        job.settle({ kind: "failed", cause });
      }
      running = undefined;
      await stop();
    },
  };
}

/** Memory that can be handed over whole. A slice of a shared pool can't: copied then. */
function ownMemory(body: Uint8Array): Uint8Array<ArrayBuffer> {
  if (body.buffer instanceof ArrayBuffer && body.buffer.byteLength === body.byteLength) {
    return new Uint8Array(body.buffer);
  }
  return new Uint8Array(body);
}

const KINDS: ReadonlySet<unknown> = new Set<ParsedReview["kind"]>(["review", "bad"]);

function isParsedReview(message: unknown): message is ParsedReview {
  return typeof message === "object" && message !== null && "kind" in message && KINDS.has(message.kind);
}
